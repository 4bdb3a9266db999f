import { expect, it } from 'vitest'

import { diffLines, fileDiff, parseUnifiedDiff } from './line-diff.ts'

const signs = { same: ' ', added: '+', removed: '-', gap: '@' } as const
const drawn = (lines: ReturnType<typeof diffLines>) => lines.map(({ kind, text }) => signs[kind] + text)

it('a changed line goes and comes, its neighbours stay', () => {
  expect(drawn(diffLines('a\nb\nc', 'a\nB\nc'))).toEqual([' a', '-b', '+B', ' c'])
  expect(drawn(diffLines('', 'a\nb'))).toEqual(['+a', '+b'])
  expect(drawn(diffLines('a\nb\nc\nd', 'b\nx\nd'))).toEqual(['-a', ' b', '-c', '+x', ' d'])
})

it('a unified diff is read by file, with line numbers and the marks of Git', () => {
  const diff = [
    'diff --git a/old.ts b/new.ts',
    'rename from old.ts',
    'rename to new.ts',
    '--- a/old.ts',
    '+++ b/new.ts',
    '@@ -1,3 +1,3 @@',
    ' one',
    '--- not a head',
    '+two',
    ' three',
    '@@ -10 +10,2 @@ function b()',
    ' ten',
    '+eleven',
    'diff --git a/x.png b/x.png',
    'new file mode 100644',
    'Binary files /dev/null and b/x.png differ',
  ].join('\n')
  const [first, second] = parseUnifiedDiff(diff)
  expect(first).toMatchObject({ path: 'new.ts', from: 'old.ts', added: 2, removed: 1 })
  expect(drawn(first?.lines ?? [])).toEqual([
    ' one',
    '--- not a head',
    '+two',
    ' three',
    '@function b()',
    ' ten',
    '+eleven',
  ])
  expect(first?.lines[2]).toMatchObject({ new: 2 })
  expect(second).toMatchObject({ path: 'x.png', note: 'Binary file', added: 0 })
})

it('two files without Git heads are two', () => {
  const diff = '--- a/one\n+++ b/one\n@@ -1 +1 @@\n-a\n+b\n--- two\t2026\n+++ two\t2026\n@@ -0,0 +1 @@\n+x\n'
  expect(parseUnifiedDiff(diff).map(({ path }) => path)).toEqual(['one', 'two'])
})

it('counts what is added and removed', () => {
  expect(fileDiff('a', diffLines('x', 'y\nz'))).toMatchObject({ added: 2, removed: 1 })
})
