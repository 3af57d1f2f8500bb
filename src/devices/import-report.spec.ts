import { expect, it } from 'vitest';
import { invalidValue } from '../common/errors.js';
import { ImportReport } from './import-report.js';

it('counts what was kept, and says why lines were not: the summary first, then each of them', async () => {
  const report = new ImportReport();
  report.keep({ created: 3, updated: 1, moved: 1 });
  report.reject(2, invalidValue('token', 'a'));
  for (const line of [5, 6, 9]) report.reject(line, invalidValue('platform', 'b'));
  report.keep({ created: 1, updated: 0, moved: 0 });
  let text = '';
  for await (const chunk of report.toChunks()) text += chunk;
  const [summary, ...lines] = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
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

it('lists a million lines and counts the rest; of reasons without end it keeps a thousand', async () => {
  const report = new ImportReport();
  const errors = Array.from({ length: 2_000 }, (_each, n) => invalidValue('a', String(n)));
  for (let line = 1; line <= 1_000_010; line++) report.reject(line, errors[line % 2_000]!);
  expect(report.summarize()).toMatchObject({ rejected: 1_000_010 });
  expect(report.summarize().reasons).toHaveLength(1_001);
  let lines = -1;
  for await (const chunk of report.toChunks()) lines += chunk.split('\n').length - 1;
  expect(lines).toBe(1_000_000);
});
