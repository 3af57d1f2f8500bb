import { describe, expect, it } from 'vitest';
import { invalidValue } from '../common/errors.js';
import { ImportReport } from './import-report.js';

async function linesOf(report: ImportReport): Promise<object[]> {
  const lines: object[] = [];
  for await (const step of report.toLines()) for (const line of step) lines.push(line);
  return lines;
}

it('lists the summary first, then each rejected line with its reason', async () => {
  const report = new ImportReport();
  report.keep({ created: 3, updated: 1, moved: 1 });
  report.reject(2, invalidValue('token', 'a'));
  for (const line of [5, 6, 9]) report.reject(line, invalidValue('platform', 'b'));
  report.keep({ created: 1, updated: 0, moved: 0 });
  const [summary, ...lines] = await linesOf(report);
  expect(summary).toEqual({
    lines: 9,
    created: 4,
    updated: 1,
    moved: 1,
    rejected: 4,
    reasons: [
      { code: 'FPWSE0005E', message: expect.stringContaining("'platform'") as string, lines: 3, firstLine: 5 },
      { code: 'FPWSE0005E', message: expect.stringContaining("'token'") as string, lines: 1, firstLine: 2 },
    ],
  });
  expect(lines).toMatchObject([{ line: 2 }, { line: 5 }, { line: 6 }, { line: 9 }]);
});

it('lists a million rejected lines and counts the rest; keeps a thousand distinct reasons', async () => {
  const report = new ImportReport();
  const errors = Array.from({ length: 2_000 }, (_each, n) => invalidValue('a', String(n)));
  for (let line = 1; line <= 1_000_010; line++) report.reject(line, errors[line % 2_000]!);
  expect(report.summarize()).toMatchObject({ rejected: 1_000_010 });
  expect(report.summarize().reasons).toHaveLength(1_001);
  expect(await linesOf(report)).toHaveLength(1_000_001);
});

describe('the trailer of an imported file', () => {
  const reportOf = (lines: readonly ('line' | number)[]): ImportReport => {
    const report = new ImportReport();
    for (const [index, line] of lines.entries())
      if (line === 'line') report.pass();
      else report.close(index + 1, line);
    return report;
  };

  it.each([
    ['of a whole file', ['line', 'line', 2]],
    ['of an application without devices', [0]],
    ['of two exports that were joined', ['line', 'line', 2, 'line', 1]],
  ] as const)('%s says nothing', (_what, lines) => {
    const { rejected, note } = reportOf(lines).summarize();
    expect([rejected, note]).toEqual([0, undefined]);
  });

  it('with a count other than the number of lines is a rejected line', () => {
    const { rejected, reasons, note } = reportOf(['line', 3]).summarize();
    expect([rejected, note]).toEqual([1, undefined]);
    expect(reasons).toEqual([
      {
        code: 'FPWSE0005E',
        message: expect.stringMatching(/'trailer\.count'.* 3, but there were 1 lines before it/) as string,
        lines: 1,
        firstLine: 2,
      },
    ]);
  });

  it.each([
    ['is missing', ['line']],
    ['stands before more lines', ['line', 1, 'line']],
  ] as const)('is noted when it %s', (_what, lines) => {
    const { rejected, note } = reportOf(lines).summarize();
    expect(rejected).toBe(0);
    expect(note).toMatch(/trailer/);
  });
});
