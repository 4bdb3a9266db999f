import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { expect, it } from 'vitest'

import { connectAgent } from '../testing/stand-in.ts'
import { FileFinder } from './find-files.ts'
import { bestMatches } from './match-paths.ts'

async function folder(files: readonly string[]) {
  const root = await mkdtemp(path.join(tmpdir(), 'slipway-find-'))
  const write = async (names: readonly string[]) => {
    for (const name of names) {
      await mkdir(path.dirname(path.join(root, name)), { recursive: true })
      await writeFile(path.join(root, name), 'x')
    }
  }
  await write(files)
  return {
    root,
    write,
    git: (at: string, ...args: readonly string[]) =>
      execFileSync('git', [...args], { cwd: path.join(root, at), stdio: 'pipe' }),
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  }
}

async function found(root: string, query = '', limit = 100): Promise<readonly string[]> {
  const env = { PATH: process.env.PATH ?? '', HOME: root }
  using finder = new FileFinder({ directory: root, env: () => env })
  const answer = await finder.find({ query: new URLSearchParams({ query, limit: String(limit) }) })
  return 'json' in answer ? Object(answer.json).files : []
}

it('UI-1122: of a repository, files are found that git does not ignore, also new ones', async () => {
  await using here = await folder(['src/a.ts', 'src/new name.ts', 'build/out.js', '.github/ci.yml'])
  here.git('.', 'init', '-q')
  await here.write(['.gitignore'])
  await writeFile(path.join(here.root, '.gitignore'), 'build\n')
  here.git('.', 'add', 'src/a.ts')
  expect(await found(here.root)).toEqual(['.gitignore', 'src/a.ts', '.github/ci.yml', 'src/new name.ts'])
  expect(await found(path.join(here.root, 'src'))).toEqual(['a.ts', 'new name.ts'])
})

it('UI-1122: in a folder of repositories each is asked; hidden folders and installed packages are left out', async () => {
  await using here = await folder([
    'notes.md',
    'app/src/main.go',
    'app/skip.log',
    '.cache/big',
    'tool/node_modules/x/index.js',
    'tool/run.sh',
  ])
  here.git('app', 'init', '-q')
  await writeFile(path.join(here.root, 'app/.gitignore'), '*.log\n')
  expect(await found(here.root)).toEqual(['notes.md', 'tool/run.sh', 'app/.gitignore', 'app/src/main.go'])
  expect(await found(here.root, 'main', 1)).toEqual(['app/src/main.go'])
})

it('UI-1122: a repository runs no program of its own for a look at it', async () => {
  await using here = await folder(['a'])
  here.git('.', 'init', '-q')
  here.git('.', 'config', 'core.fsmonitor', `touch ${path.join(here.root, 'pwned')}; true`)
  await found(here.root)
  expect(await found(here.root)).toEqual(['a'])
})

it('UI-1122: names come before paths, and paths before letters in their order', () => {
  const files = [
    'src/deep/composer.tsx',
    'composer/index.ts',
    'docs/my-composer.md',
    'c/o/m/p.ts',
    'other.ts',
  ]
  expect(bestMatches(files, 'composer', 10)).toEqual([
    'src/deep/composer.tsx',
    'composer/index.ts',
    'docs/my-composer.md',
  ])
  expect(bestMatches(files, './COMPOSER/', 10)).toEqual(['composer/index.ts'])
  expect(bestMatches(files, 'comp.ts', 10)).toEqual([
    'composer/index.ts',
    'src/deep/composer.tsx',
    'c/o/m/p.ts',
  ])
  expect(bestMatches(files, 'zzz', 10)).toEqual([])
  expect(bestMatches(files, '', 2)).toEqual(['other.ts', 'composer/index.ts'])
})

it('AC-§6: the agent answers by its directory, and refuses limits that are none', async () => {
  await using agent = await connectAgent()
  await writeFile(path.join(agent.home, 'read me.txt'), 'x')
  const { json } = await agent.ask('GET', '/api/v0/find-files?query=read%20me')
  expect(json).toEqual({ directory: agent.home, files: ['read me.txt'], truncated: false })
  for (const limit of ['0', '101', 'x', '1.5'])
    expect((await agent.ask('GET', `/api/v0/find-files?limit=${limit}`)).status).toBe(400)
  expect((await agent.ask('GET', `/api/v0/find-files?query=${'x'.repeat(513)}`)).status).toBe(400)
})
