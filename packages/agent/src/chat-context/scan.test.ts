import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { scan } from './scan.ts'

let root: string
let places: { readonly home: string; readonly directory: string }

beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'slipway-scan-'))
  places = { home: path.join(root, 'home'), directory: path.join(root, 'home', 'repo') }
  await mkdir(path.join(places.home, '.ssh'), { recursive: true })
  await mkdir(path.join(places.home, '.coder'))
  await mkdir(path.join(places.directory, 'docs'), { recursive: true })
  await writeFile(path.join(places.home, '.ssh', 'id'), 'PRIVATE KEY')
  await writeFile(path.join(places.home, 'notes.md'), 'private notes')
})
afterEach(() => rm(root, { recursive: true }))

const inRepo = (...parts: readonly string[]) => path.join(places.directory, ...parts)
const skillText = (name: string) => `---\nname: ${name}\ndescription: x\n---\nBody of ${name}`

describe('CH-1301: what a repository may tell', () => {
  it('is nothing that its links lead to outside of it, and nothing but Markdown inside', async () => {
    await writeFile(inRepo('.env'), 'TOKEN=PRIVATE')
    await symlink('../.ssh/id', inRepo('AGENTS.md'))
    await symlink('.env', inRepo('CLAUDE.md'))
    await mkdir(inRepo('.agents', 'skills', 'leak'), { recursive: true })
    await symlink(path.join(places.home, 'notes.md'), inRepo('.agents', 'skills', 'leak', 'SKILL.md'))
    await mkdir(path.join(places.home, 'away'))
    await writeFile(path.join(places.home, 'away', 'SKILL.md'), skillText('away'))
    await symlink('../../../away', inRepo('.agents', 'skills', 'away'))
    const found = await scan(places)
    expect(found.map(({ status }) => status)).toEqual(Array(4).fill('unreadable'))
    expect(JSON.stringify(found)).not.toMatch(/PRIVATE|private notes|Body of/)
  })

  it('is what its links lead to inside, and the own folder of the user may lead anywhere', async () => {
    await writeFile(inRepo('docs', 'rules.md'), 'rules')
    await symlink('docs/rules.md', inRepo('AGENTS.md'))
    await mkdir(inRepo('.agents', 'skills', 'one'), { recursive: true })
    await writeFile(inRepo('.agents', 'skills', 'one', 'SKILL.md'), skillText('one'))
    await mkdir(inRepo('.claude'))
    await symlink('../.agents/skills', inRepo('.claude', 'skills'))
    await symlink('../notes.md', path.join(places.home, '.coder', 'AGENTS.md'))
    const found = await scan(places)
    expect(found.map(({ status, body }) => `${status} ${body}`)).toEqual([
      'ok private notes',
      'ok rules',
      'ok Body of one',
    ])
  })

  it('AC-86: is always what the control plane takes: no source twice, none too long', async () => {
    await writeFile(path.join(places.home, '.coder', 'AGENTS.md'), 'mine')
    const own = await scan({ ...places, directory: path.join(places.home, '.coder') })
    expect(own.map(({ source }) => path.basename(source))).toEqual(['AGENTS.md'])
    const deep = path.join(places.directory, ...Array<string>(6).fill('d'.repeat(200)))
    await mkdir(deep, { recursive: true })
    await writeFile(path.join(deep, 'AGENTS.md'), 'deep')
    expect(await scan({ ...places, directory: deep })).toHaveLength(1)
  })
})
