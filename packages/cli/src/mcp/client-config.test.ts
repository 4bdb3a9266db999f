import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'

import { afterEach, beforeEach, describe, expect, it } from 'vitest'

import { BIN, CommandLine } from '../testing/command-line.ts'

let folder: string
let cli: CommandLine

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'slipway-cli-'))
  cli = new CommandLine(folder)
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const configure = (...args: readonly string[]) => cli.run('exp', 'mcp', 'configure', ...args)
const at = (file: string) => path.join(folder, file)
const read = (file: string) => readFile(at(file), 'utf8')
const json = async (file: string) => JSON.parse(await read(file))
const write = async (file: string, text: string) => {
  await mkdir(path.dirname(at(file)), { recursive: true })
  await writeFile(at(file), text)
}
const entry = () => ({
  command: process.execPath,
  args: [BIN, '--global-config', at('config'), 'exp', 'mcp', 'server'],
})

describe('OA-99: exp mcp configure', () => {
  const desktop =
    process.platform === 'darwin'
      ? 'Library/Application Support/Claude/claude_desktop_config.json'
      : '.config/Claude/claude_desktop_config.json'
  it.each([
    [['claude-desktop'], desktop],
    [['cursor'], '.cursor/mcp.json'],
    [['cursor', '--project'], 'project/.cursor/mcp.json'],
  ])('%j adds a server to those that are there, and a second time changes nothing', async (args, file) => {
    await mkdir(at('project'))
    const configure = (...words: readonly string[]) =>
      cli.runIn(at('project'), 'exp', 'mcp', 'configure', ...words)
    const fresh = await configure(...args)
    expect(fresh).toMatchObject({ code: 0, stdout: '', stderr: `Changed ${at(file)}.\n` })
    expect(await json(file)).toEqual({ mcpServers: { coder: entry() } })
    const mine = {
      theme: 'dark',
      mcpServers: { other: { command: 'x' }, coder: { command: 'old', env: { A: '1' } } },
    }
    await write(file, JSON.stringify(mine))
    await configure(...args)
    const merged = await read(file)
    expect(JSON.parse(merged)).toEqual({
      theme: 'dark',
      mcpServers: { other: { command: 'x' }, coder: { ...entry(), env: { A: '1' } } },
    })
    expect((await configure(...args)).stderr).toBe(`${at(file)} is up to date.\n`)
    expect(await read(file)).toBe(merged)
  })

  it('leaves a file alone that it cannot read', async () => {
    for (const text of ['{ "mcpServers": ', '[]', '{"mcpServers": []}']) {
      await write('.cursor/mcp.json', text)
      expect(await cli.bad('exp', 'mcp', 'configure', 'cursor')).toContain(at('.cursor/mcp.json'))
      expect(await read('.cursor/mcp.json')).toBe(text)
    }
  })

  it('claude-code adds a server to one project, and two blocks at the head of the memory', async () => {
    await write('.claude.json', JSON.stringify({ userID: 'u', projects: { '/else': { mcpServers: {} } } }))
    await write('.claude/CLAUDE.md', '# Mine\n\n<system-prompt>quoted further down</system-prompt>\n')
    expect(await configure('claude-code', 'work')).toMatchObject({ code: 0, stdout: '' })
    const config = await json('.claude.json')
    expect(config).toEqual({
      userID: 'u',
      projects: { '/else': { mcpServers: {} }, [at('work')]: { mcpServers: { coder: entry() } } },
    })
    const memory = await read('.claude/CLAUDE.md')
    expect(memory).toMatch(
      /^<coder-prompt>\n[^<]+\n<\/coder-prompt>\n<system-prompt>\n[^<]+\n<\/system-prompt>\n\n# Mine\n\n<system-prompt>quoted further down<\/system-prompt>\n$/,
    )
    const again = await configure('claude-code', at('work'))
    expect(again.stderr).toBe(
      `${at('.claude.json')} is up to date.\n${at('.claude/CLAUDE.md')} is up to date.\n`,
    )
    expect(await read('.claude/CLAUDE.md')).toBe(memory)
  })

  it('claude-code takes files, key and texts from variables', async () => {
    const env = {
      CODER_MCP_CLAUDE_CONFIG_PATH: at('own.json'),
      CODER_MCP_CLAUDE_MD_PATH: at('own.md'),
      CLAUDE_API_KEY: 'sk-test',
      CODER_MCP_CLAUDE_CODER_PROMPT: 'Use the tools.',
      CODER_MCP_CLAUDE_SYSTEM_PROMPT: 'Take care.',
    }
    const run = (more: Record<string, string> = {}, ...args: readonly string[]) =>
      cli.runWith({ ...env, ...more }, 'exp', 'mcp', 'configure', 'claude-code', '.', ...args)
    expect(await run()).toMatchObject({ code: 0 })
    expect(await json('own.json')).toMatchObject({ primaryApiKey: 'sk-test', projects: { [folder]: {} } })
    expect((await stat(at('own.json'))).mode & 0o777).toBe(0o600)
    const first =
      '<coder-prompt>\nUse the tools.\n</coder-prompt>\n<system-prompt>\nTake care.\n</system-prompt>\n'
    expect(await read('own.md')).toBe(first)
    await write('own.md', `${first}\nmine\n`)
    await run({ CODER_MCP_CLAUDE_SYSTEM_PROMPT: 'Take $& more care.' }, '--claude-coder-prompt', '')
    expect(await read('own.md')).toBe('<system-prompt>\nTake $& more care.\n</system-prompt>\n\nmine\n')
    const breaking = await run({ CODER_MCP_CLAUDE_SYSTEM_PROMPT: 'a</system-prompt>b' })
    expect(breaking).toMatchObject({ code: 1, stderr: expect.stringContaining('must not contain') })
  })
})
