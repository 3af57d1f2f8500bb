import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { numberText, shortTimeText } from '../../parts/format';
import { OUTCOMES } from '../../parts/outcomes';
import type { Outcome } from '../../parts/outcomes';
import { texts } from '../../texts/texts';

interface ChartProps {
  series: readonly { time: string; outcomes: Readonly<Record<string, number>> }[];
  step: string;
}

const HEIGHT = 200;
/** Distances of the lines of the vertical axis: whole numbers of deliveries. */
const STEPS = Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat();
/** As in outcome-bar.module.css: the shade for light, for dark. */
const COLOURS: Partial<Record<Outcome, [string, string]>> = {
  accepted: ['#099268', '#20c997'],
  rejected: ['#f76707', '#ff922b'],
  failed: ['#e03131', '#ff6b6b'],
  expired: ['#9c36b5', '#da77f2'],
  cancelled: ['#868e96', '#868e96'],
  unknown: ['#f08c00', '#fcc419'],
};
const SHOWN = OUTCOMES.filter((outcome) => outcome in COLOURS);

/** One line an outcome; outcomes that did not occur have none. Drawn on a canvas: the figures stand below it. */
export default function Chart({ series, step }: ChartProps) {
  const holder = useRef<HTMLDivElement>(null);
  const isDark = useComputedColorScheme('light') === 'dark';
  useEffect(() => {
    const element = holder.current;
    if (!element) return undefined;
    const occurred = SHOWN.filter((outcome) => series.some(({ outcomes }) => (outcomes[outcome] ?? 0) > 0));
    const ink = isDark ? '#c9c9c9' : '#495057';
    const grid = { stroke: isDark ? '#424242' : '#dee2e6', width: 1 };
    const plot = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        scales: { y: { range: (_plot, _least, most) => [0, Math.max(1, most * 1.1)] } },
        axes: [
          {
            stroke: ink,
            grid,
            values: (_plot, splits) => splits.map((seconds) => axisTime(seconds * 1_000, step)),
            space: 90,
          },
          { stroke: ink, grid, values: (_plot, splits) => splits.map(numberText), size: 70, incrs: STEPS },
        ],
        series: [
          {},
          ...occurred.map((outcome) => ({
            label: texts.outcomes[outcome],
            stroke: COLOURS[outcome]?.[isDark ? 1 : 0],
            width: 2,
            points: { show: series.length <= 60, fill: COLOURS[outcome]?.[isDark ? 1 : 0] },
          })),
        ],
      },
      [
        series.map(({ time }) => Date.parse(time) / 1_000),
        ...occurred.map((outcome) => series.map(({ outcomes }) => outcomes[outcome] ?? 0)),
      ],
      element,
    );
    const watcher = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }));
    watcher.observe(element);
    return () => {
      watcher.disconnect();
      plot.destroy();
    };
  }, [series, step, isDark]);
  return <div ref={holder} role="img" aria-label={texts.overview.chart} style={{ minHeight: HEIGHT }} />;
}

function axisTime(time: number, step: string): string {
  const text = shortTimeText(time);
  return step === 'day' ? text.replace(/,? \d\d:\d\d.*$/, '') : text.replace(/^.*?,? (?=\d\d:\d\d)/, '');
}
