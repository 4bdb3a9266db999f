import fc from 'fast-check'
import { expect, it } from 'vitest'

import { parsedCommands } from './parsed-commands.ts'

it.each<[string, readonly (readonly string[])[]]>([
  ['ls', [['ls']]],
  ['ls -la /tmp', [['ls', '/tmp']]],
  ['/usr/bin/git commit -m "a; b"', [['git', 'commit']]],
  [
    'cd /x && npm test | tee out.txt; echo done',
    [
      ['cd', '/x'],
      ['npm', 'test'],
      ['tee', 'out.txt'],
      ['echo', 'done'],
    ],
  ],
  ['FOO=1 BAR=2 make all', [['make', 'all']]],
  ['cat < in > out 2>&1', [['cat']]],
  ['if true; then rm x; fi', [['true'], ['rm', 'x']]],
  ['# only a comment', []],
  ['echo "unfinished', [['echo', 'unfinished']]],
  ['', []],
])('CH-121: the programs of %j', (command, programs) => {
  expect(parsedCommands(command)).toEqual(programs)
})

it('CH-121: any text is read to its end, and no program has more than a name and an argument', () => {
  fc.assert(
    fc.property(
      fc.string({ maxLength: 200, unit: fc.constantFrom(...'ab \n;|&<>()\'"\\`$#{}=-/') }),
      (command) => {
        for (const words of parsedCommands(command)) expect(words.length).toBeLessThanOrEqual(2)
      },
    ),
  )
})
