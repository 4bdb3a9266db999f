import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { type LogLine, logRows, mergeLines } from './log-rows.ts'

const line = (id: number, over: Partial<LogLine> = {}): LogLine => ({
  id,
  at: new Date(id * 1000).toISOString(),
  level: 'info',
  stage: '',
  text: `line ${id}`,
  ...over,
})

describe('UI-803: lines merge by id', () => {
  it('gives every id once, in order, however the stream was cut and resumed', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.integer({ min: 1, max: 50 }))), (batches) => {
        let held: readonly LogLine[] = []
        for (const batch of batches)
          held = mergeLines(
            held,
            batch.map((id) => line(id)),
          )
        expect(held.map((one) => one.id)).toEqual([...new Set(batches.flat())].sort((a, b) => a - b))
      }),
    )
  })

  it('keeps the array when a resume brings nothing new', () => {
    const held = [line(1), line(2)]
    expect(mergeLines(held, [line(2)])).toBe(held)
  })
})

describe('UI-802: stage headings', () => {
  const lines = [
    line(1, { stage: 'Plan' }),
    line(2, { stage: 'Plan', level: 'error' }),
    line(5, { stage: 'Apply', text: '' }),
    line(9, { stage: 'Apply' }),
  ]

  it('puts one before each run of lines, with its time and whether it failed', () => {
    expect(logRows(lines, true).filter((row) => row.kind === 'stage')).toEqual([
      {
        kind: 'stage',
        stage: 'Plan',
        startedAt: lines[0]?.at,
        endedAt: lines[2]?.at,
        failed: true,
        open: false,
      },
      {
        kind: 'stage',
        stage: 'Apply',
        startedAt: lines[2]?.at,
        endedAt: lines[3]?.at,
        failed: false,
        open: false,
      },
    ])
  })

  it('leaves the last one open while the job runs', () => {
    const last = logRows(lines, false).findLast((row) => row.kind === 'stage')
    expect(last).toMatchObject({ stage: 'Apply', open: true })
  })

  it('numbers lines by their place in the log, also behind a line that shows nothing', () => {
    expect(logRows(lines, true).flatMap((row) => (row.kind === 'line' ? [row.number] : []))).toEqual([
      1, 2, 4,
    ])
  })
})
