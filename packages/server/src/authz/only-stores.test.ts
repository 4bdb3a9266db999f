import { glob, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

import { expect, it } from 'vitest'

const source = fileURLToPath(new URL('../', import.meta.url))
const STATEMENT = /`\.execute\(|\.(?:selectFrom|insertInto|updateTable|deleteFrom|mergeInto|executeQuery)\(/

it('RB-64: nothing but stores sends statements, so that none passes by the actor', async () => {
  const exclude = ['**/store.ts', '**/store/*.ts', '**/*.test.ts', '**/*.fixture.ts', 'database/**']
  const others: string[] = []
  const speakers: string[] = []
  for await (const file of glob('**/*.ts', { cwd: source, exclude })) {
    others.push(file)
    if (STATEMENT.test(await readFile(`${source}${file}`, 'utf8'))) speakers.push(file)
  }
  expect(others.length).toBeGreaterThan(100)
  expect(speakers).toEqual([])
})
