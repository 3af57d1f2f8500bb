import { vi } from 'vitest';

/** Reads metrics of a running program. */
export interface Scrape {
  text: string;
  /** `name{label="value"}` of each, with its value. */
  series: Map<string, number>;
  /** The sum of the series with these labels; undefined: there is none. */
  readonly value: (name: string, labels?: Record<string, string>) => number | undefined;
}

/** The address of the metrics of a program that was started with METRICS_PORT. */
export function metricsUrl({ METRICS_PORT }: Record<string, string>): string {
  return `http://127.0.0.1:${METRICS_PORT}/metrics`;
}

export async function scrape(url: string, headers: Record<string, string> = {}): Promise<Scrape> {
  const response = await fetch(url, { headers });
  if (response.status !== 200) throw new Error(`${url} is answered ${response.status}`);
  return parse(await response.text());
}

/** Scrapes until the condition holds. The figures of rows are up to 10 s old. */
export function scrapeUntil(url: string, check: (scraped: Scrape) => void, timeout = 30_000): Promise<Scrape> {
  return vi.waitFor(
    async () => {
      const scraped = await scrape(url);
      check(scraped);
      return scraped;
    },
    { timeout, interval: 500 },
  );
}

function parse(text: string): Scrape {
  const series = new Map<string, number>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^([a-z_]\S*(?:\{.*\})?) (\S+)$/.exec(line) ?? [];
    if (name !== undefined) series.set(name, Number(value));
  }
  return {
    text,
    series,
    value: (name, labels = {}) => {
      const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
      const found = [...series].filter(
        ([key]) => key.split('{')[0] === name && wanted.every((pair) => key.includes(pair)),
      );
      return found.length === 0 ? undefined : found.reduce((sum, [, value]) => sum + value, 0);
    },
  };
}
