import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { expect, it } from 'vitest'

import { unifiedDiff } from './unified-diff.ts'

it('AC-§6: shows changes with the lines around them, and those that lie apart by themselves', () => {
  const lines = Array.from({ length: 30 }, (_, i) => `line ${i + 1}`)
  const before = `${lines.join('\n')}\n`
  const after = before
    .replace('line 2\n', 'second\n')
    .replace('line 20\n', '')
    .replace('line 30\n', 'line 30')
  expect(unifiedDiff('/a', before, after)).toBe(
    [
      '--- /a',
      '+++ /a',
      '@@ -1,5 +1,5 @@',
      ' line 1',
      '-line 2',
      '+second',
      ' line 3',
      ' line 4',
      ' line 5',
      '@@ -17,7 +17,6 @@',
      ' line 17',
      ' line 18',
      ' line 19',
      '-line 20',
      ' line 21',
      ' line 22',
      ' line 23',
      '@@ -27,4 +26,4 @@',
      ' line 27',
      ' line 28',
      ' line 29',
      '-line 30',
      '+line 30',
      '\\ No newline at end of file',
      '',
    ].join('\n'),
  )
  expect(unifiedDiff('/a', before, before)).toBe('')
})

it('AC-§6: a diff applied gives the text after it', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'slipway-diff-'))
  const apply = (diff: string): void => {
    execFileSync('git', ['apply', '--unidiff-zero', '-p0', '-'], { cwd: folder, input: diff })
  }
  try {
    let seed = 1
    const random = (below: number): number => {
      seed = (seed * 48_271) % 2_147_483_647
      return seed % below
    }
    for (let round = 0; round < 40; round += 1) {
      const text = (): string =>
        Array.from({ length: random(40) }, () => `${'abc'[random(3)]}\n`).join('') +
        (random(2) === 0 ? 'x' : '')
      const [before, after] = [`${text()}y`, `${text()}z`]
      writeFileSync(path.join(folder, 'file'), before)
      apply(unifiedDiff('file', before, after))
      expect(readFileSync(path.join(folder, 'file'), 'utf8')).toBe(after)
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
