import { expect, it } from 'vitest'

import { matchingCommands } from './commands.ts'
import { skillCommands } from './skill-commands.ts'

it('CH-1303: skills of both sides are offered; where names clash each says where it is from', () => {
  const commands = skillCommands(
    [
      { name: 'review', description: 'Mine' },
      { name: 'release', description: '' },
    ],
    [{ name: 'review', description: 'Of the workspace' }],
  )
  expect(commands).toEqual([
    { name: 'personal/review', description: 'Mine' },
    { name: 'release', description: 'Skill' },
    { name: 'workspace/review', description: 'Of the workspace' },
  ])
  const found = (text: string) => matchingCommands(commands, text).map(({ name }) => name)
  expect(found('/rev')).toEqual(['personal/review', 'workspace/review'])
  expect(found('/personal/')).toEqual(['personal/review'])
  expect(found('/release now')).toEqual([])
})
