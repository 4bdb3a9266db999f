import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { BIN, CommandLine } from './testing/command-line.ts'

let folder: string
let cli: CommandLine

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-cli-'))
  cli = new CommandLine(folder)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const complete = async (...words: readonly string[]) =>
  (await cli.good('__complete', ...words)).split('\n').filter(Boolean)

it('OP-188: words become commands and flags, at every level', async () => {
  expect(await complete('org')).toEqual(['organizations'])
  expect(await complete('')).toEqual(expect.arrayContaining(['audit', 'groups', 'ssh', 'tokens']))
  expect(await complete('org', 'mem')).toEqual(['members'])
  expect(await complete('--url', 'http://x', 'organizations', 'settings', 'set', '')).toEqual(
    expect.arrayContaining(['group-sync', 'organization-sync', 'role-sync', 'workspace-sharing']),
  )
  expect(await complete('tokens', 'create', '--sc')).toEqual(['--scope'])
  // A value of a flag, and what is another program's, is left to the shell.
  expect(await complete('tokens', 'create', '--name', '')).toEqual([])
  expect(await complete('ssh', 'dev', '--', '-')).toEqual([])
})

it('OP-188: bash asks for them', async () => {
  const script = path.join(folder, 'script')
  await writeFile(script, await cli.good('completion', '-s', 'bash', '-p'))
  const { stdout } = await promisify(execFile)(
    'bash',
    [
      '-c',
      `source ${script}; COMP_WORDS=(${BIN} organizations rol); COMP_CWORD=2; _slipway; echo "\${COMPREPLY[@]}"`,
    ],
    { env: { ...cli.environment, PATH: `${path.dirname(process.execPath)}:${cli.environment.PATH}` } },
  )
  expect(stdout).toBe('roles\n')
})

it('OP-188: the script is set up once, and nothing else of the file changes', async () => {
  const file = path.join(folder, '.bashrc')
  await writeFile(file, 'alias a=b')
  await cli.good('completion', '-s', 'bash')
  const first = await readFile(file, 'utf8')
  expect(first).toMatch(/^alias a=b\n# -+START[\s\S]*complete .*slipway coder\n# -+END[^\n]*\n$/)
  await writeFile(file, `${first.replace('bashdefault', 'old')}alias c=d\n`)
  expect((await cli.runWith({ SHELL: '/bin/bash' }, 'completion')).code).toBe(0)
  expect(await readFile(file, 'utf8')).toBe(`${first}alias c=d\n`)
  await cli.good('completion', '-s', 'fish')
  expect(await readFile(path.join(folder, '.config', 'fish', 'conf.d', 'slipway.fish'), 'utf8')).toContain(
    'complete -c coder',
  )
  expect(await cli.good('completion', '-s', 'zsh', '--print')).toContain('compdef _slipway slipway coder')
  expect(await cli.bad('completion', '-s', 'tcsh')).toContain('must be one of bash, zsh, fish, powershell')
  expect(await cli.bad('completion', '-s', 'powershell')).toContain('$PROFILE')
  await writeFile(file, first.replace(/# -+END[^\n]*\n/, ''))
  expect(await cli.bad('completion', '-s', 'bash')).toContain('without the other')
})
