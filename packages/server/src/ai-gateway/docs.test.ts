import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { createGroup, createToken, updateAIProviderRouting, updateGroup } from '@slipway/contract'
import { fixtures, says, until } from '@slipway/testkit'
import { GatewayWorld } from './gateway.fixture.ts'

const PAGE = new URL('../../../../docs/ai-gateway.md', import.meta.url)
const HERE = fileURLToPath(new URL('../..', import.meta.url))
const SLIPWAY = fileURLToPath(new URL('../../../cli/bin/slipway.js', import.meta.url))

/** What the page leaves to its reader. */
const OWN = {
  ANTHROPIC_KEY: 'sk-ant-of-the-user-1',
  OPENAI_KEY: 'sk-of-the-user-1',
  COPILOT_TOKEN: 'ghu-of-the-user-1',
}

/** A fenced block of the page: its language, the word behind it, and its text for this deployment. */
interface Block {
  readonly language: string
  readonly word: string
  readonly text: string
}

let world: GatewayWorld
let blocks: readonly Block[]
let initiator: string
let reader: Readonly<Record<string, string>>
/** Names of blocks that a test has used. */
const used = new Set<string>()

beforeAll(async () => {
  world = await GatewayWorld.start()
  world.upstream.answer = ({ kind }) => (kind === 'models' ? undefined : says('Hi there'))
  await world.provider({ name: 'openai' })
  const anthropic = { type: 'anthropic', base_url: world.upstream.url }
  await world.provider({ name: 'anthropic', ...anthropic })
  await world.provider({ name: 'copilot', type: 'copilot', base_url: world.upstream.url, api_keys: [] })
  const client = await world.server.user('ada')
  initiator = (await world.account(client)).id
  const { key } = await client.call(createToken, { params: { user: 'me' }, body: {} })
  reader = { SLIPWAY_TOKEN: key, ...OWN }
  const page = (await readFile(PAGE, 'utf8')).replaceAll('https://slipway.example', world.server.url)
  blocks = [...page.matchAll(/^```(\w+) ?([\w-]*)\n([\s\S]*?)^```$/gm)].map(
    ([, language = '', word = '', text = '']) => ({ language, word, text }),
  )
})
afterAll(() => world[Symbol.asyncDispose]())

/** The text of the block with this word. */
function block(word: string): string {
  const found = blocks.find((one) => one.word === word)
  if (found === undefined) throw new Error(`the page has no block ${word}`)
  used.add(word)
  return found.text
}

/** What a shell that has run a block of exports hands on. */
function environment(word: string): Readonly<Record<string, string>> {
  const lines = block(word).matchAll(/^export (\w+)=(?:"(.*)"|(\S+))$/gm)
  return Object.fromEntries(
    [...lines].map(([, name = '', quoted, plain = '']) => [name, filled(quoted ?? plain)]),
  )
}

function filled(text: string): string {
  return text.replace(/\$(\w+)/g, (_all, name: string) => reader[name] ?? '')
}

/** The last request as the provider saw it, and as it was recorded. */
async function outcome() {
  const { interceptions, prompts } = await until('the record', async () => {
    const records = await world.records(initiator)
    return records.interceptions.at(-1)?.ended_at == null ? undefined : records
  })
  const asked = world.upstream.requests.at(-1)
  const record = interceptions.at(-1)
  const { authorization, 'x-coder-ai-governance-token': governance } = asked?.headers ?? {}
  const sent = JSON.stringify(asked?.headers)
  expect(sent, 'what the provider saw').not.toContain(reader.SLIPWAY_TOKEN)
  expect(governance).toBeUndefined()
  return {
    key: asked?.key,
    authorization,
    path: asked?.path,
    client: record?.client,
    session: record?.session_id,
    provider: record?.provider_name,
    credential: record?.credential_kind,
    error: record?.error_type,
    prompt: prompts.at(-1)?.prompt,
  }
}

const CENTRALIZED = {
  credential: 'centralized',
  error: null,
  key: 'sk-of-the-deployment-1',
  prompt: 'Say hi',
}
const BYOK = { credential: 'byok', error: null, prompt: 'Say hi' }
const HI = [{ role: 'user' as const, content: 'Say hi' }]

/** Sends what a `curl` command of the page sends. */
async function curl(word: string): Promise<string> {
  const command = block(word).replaceAll('\\\n', ' ')
  const [, url = ''] = /^curl (\S+)/.exec(command) ?? []
  const headers = [...command.matchAll(/-H "(.*?): (.*?)"/g)].map(([, name = '', value = '']) => [
    name,
    filled(value),
  ])
  const [, body = ''] = /-d '([\s\S]*?)'/.exec(command) ?? []
  const response = await fetch(url, { method: 'POST', headers: Object.fromEntries(headers), body })
  expect(response.status).toBe(200)
  return response.text()
}

describe('docs/ai-gateway.md: tools at the gateway', () => {
  it('Claude Code, with the deployment’s key and with one’s own', async () => {
    const session = '0d8c4f7e-3b1a-4f6e-9b0e-2f4f3c1d5a77'
    const claude = (env: Readonly<Record<string, string>>) => {
      const [name = '', value = ''] = (env.ANTHROPIC_CUSTOM_HEADERS ?? '').split(/: (.*)/s)
      return new Anthropic({
        baseURL: env.ANTHROPIC_BASE_URL ?? '',
        apiKey: env.ANTHROPIC_API_KEY ?? null,
        authToken: env.ANTHROPIC_AUTH_TOKEN ?? null,
        maxRetries: 0,
        defaultHeaders: {
          'user-agent': 'claude-cli/2.0.67 (external, cli)',
          'x-claude-code-session-id': session,
          ...(name === '' ? {} : { [name]: value }),
        },
      })
    }
    const ask = async (env: Readonly<Record<string, string>>): Promise<void> => {
      const stream = claude(env).messages.stream({ model: 'claude-sonnet-5-5', max_tokens: 9, messages: HI })
      expect((await stream.finalMessage()).content).toMatchObject([{ type: 'text', text: 'Hi there' }])
    }
    await ask(environment('claude-code'))
    expect(await outcome()).toMatchObject({
      ...CENTRALIZED,
      client: 'Claude Code',
      provider: 'anthropic',
      session,
    })
    await ask(environment('claude-code-own-key'))
    expect(await outcome()).toMatchObject({ ...BYOK, key: OWN.ANTHROPIC_KEY, client: 'Claude Code' })
  })

  it('Codex, with the deployment’s key and with one’s own', async () => {
    const ask = async (word: string): Promise<void> => {
      const text = block(word)
      const [, chosen] = /^model_provider = "(\w+)"$/m.exec(text) ?? []
      expect(text).toContain(`[model_providers.${chosen}]`)
      expect(text).toContain('wire_api = "responses"')
      const value = (name: string): string => new RegExp(`^${name} = "(.*)"$`, 'm').exec(text)?.[1] ?? ''
      const [, header = '', variable = ''] = /^env_http_headers = \{ "(.*)" = "(.*)" \}$/m.exec(text) ?? []
      const codex = new OpenAI({
        baseURL: value('base_url'),
        apiKey: reader[value('env_key')] ?? '',
        maxRetries: 0,
        defaultHeaders: {
          'user-agent': 'codex_cli_rs/0.87.0',
          'session-id': word,
          ...(header === '' ? {} : { [header]: reader[variable] ?? '' }),
        },
      })
      const stream = codex.responses.stream({ model: 'gpt-5', input: 'Say hi' })
      expect((await stream.finalResponse()).output_text).toBe('Hi there')
    }
    await ask('codex')
    expect(await outcome()).toMatchObject({
      ...CENTRALIZED,
      client: 'Codex',
      provider: 'openai',
      session: 'codex',
    })
    await ask('codex-own-key')
    expect(await outcome()).toMatchObject({ ...BYOK, key: OWN.OPENAI_KEY, client: 'Codex' })
  })

  it('OpenCode', async () => {
    const { slipway } = JSON.parse(block('opencode')).provider
    expect(slipway.npm).toBe('@ai-sdk/openai-compatible')
    const [, variable = ''] = /^\{env:(\w+)\}$/.exec(slipway.options.apiKey) ?? []
    const sdk = new OpenAI({
      baseURL: slipway.options.baseURL,
      apiKey: reader[variable] ?? '',
      maxRetries: 0,
      defaultHeaders: { 'user-agent': 'opencode/1.0.0', 'x-opencode-session': 'ses_1' },
    })
    const [model = ''] = Object.keys(slipway.models)
    const stream = await sdk.chat.completions.create({ model, stream: true, messages: HI })
    let said = ''
    for await (const chunk of stream) said += chunk.choices[0]?.delta.content ?? ''
    expect(said).toBe('Hi there')
    expect(await outcome()).toMatchObject({ ...CENTRALIZED, client: 'OpenCode', session: 'ses_1' })
  })

  it('Zed', async () => {
    const { slipway } = JSON.parse(block('zed')).language_models.openai_compatible
    const response = await fetch(`${slipway.api_url}/chat/completions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${reader.SLIPWAY_TOKEN}`,
        'content-type': 'application/json',
        'user-agent': 'Zed/0.200.0',
      },
      body: JSON.stringify({ model: slipway.available_models[0].name, stream: true, messages: HI }),
    })
    expect(await response.text()).toMatch(/Hi[\s\S]*data: \[DONE\]\n\n$/)
    expect(await outcome()).toMatchObject({ ...CENTRALIZED, client: 'Zed' })
  })

  it('GitHub Copilot, with models of the deployment and with GitHub’s', async () => {
    const env = environment('copilot-cli')
    expect(env.COPILOT_PROVIDER_TYPE).toBe('openai')
    const sdk = new OpenAI({
      baseURL: env.COPILOT_PROVIDER_BASE_URL ?? '',
      apiKey: env.COPILOT_PROVIDER_API_KEY ?? '',
      maxRetries: 0,
      defaultHeaders: { 'user-agent': 'copilot/1.0.0', 'x-client-session-id': 'cli-1' },
    })
    const answer = await sdk.chat.completions.create({ model: env.COPILOT_MODEL ?? '', messages: HI })
    expect(answer.choices[0]?.message.content).toBe('Hi there')
    expect(await outcome()).toMatchObject({
      ...CENTRALIZED,
      client: 'GitHub Copilot (CLI)',
      session: 'cli-1',
    })
    expect(await curl('copilot')).toContain('Hi there')
    expect(await outcome()).toMatchObject({ ...BYOK, key: OWN.COPILOT_TOKEN, provider: 'copilot' })
  })

  it('curl', async () => {
    expect(await curl('curl')).toContain('Hi there')
    expect(await outcome()).toMatchObject({ ...CENTRALIZED, provider: 'openai' })
  })

  it('the SDKs for Node', { timeout: 60_000 }, async () => {
    const env = environment('sdk')
    const programs = blocks.filter(({ language }) => language === 'js')
    expect(programs).toHaveLength(2)
    for (const { text } of programs) {
      expect(await run(process.execPath, ['--input-type=module', '-'], { env, input: text })).toBe(
        'Hi there\n',
      )
      expect(await outcome()).toMatchObject(CENTRALIZED)
    }
  })

  it('the SDKs for Python ask for the same', async () => {
    const env = environment('sdk')
    const programs = blocks.filter(({ language }) => language === 'python')
    expect(programs).toHaveLength(2)
    for (const { text } of programs) {
      const [, method, args = ''] = /client\.(responses|messages)\.create\(([\s\S]*?)\)\n/.exec(text) ?? []
      const body = `{${args.replace(/\b(\w+)=/g, '"$1": ').replace(/,\s*$/, '')}}`
      const openai = method === 'responses'
      const response = await fetch(
        openai ? `${env.OPENAI_BASE_URL}/responses` : `${env.ANTHROPIC_BASE_URL}/v1/messages`,
        {
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            ...(openai
              ? { authorization: `Bearer ${env.OPENAI_API_KEY}`, 'user-agent': 'OpenAI/Python 2.0.0' }
              : { 'x-api-key': env.ANTHROPIC_API_KEY ?? '', 'anthropic-version': '2023-06-01' }),
          },
          body: JSON.stringify(JSON.parse(body)),
        },
      )
      expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('Hi there')])
      expect(await outcome()).toMatchObject(CENTRALIZED)
    }
  })
})

describe('docs/ai-gateway.md: administration', () => {
  it('the routing of a provider is taken as it is', async () => {
    for (const name of ['openai-eu', 'openai-batch']) await world.provider({ name })
    const routing = JSON.parse(block('routing'))
    const params = { idOrName: 'openai' }
    expect(await world.owner.call(updateAIProviderRouting, { params, body: routing })).toMatchObject(routing)
  })

  it('every command does what it says', { timeout: 240_000 }, async () => {
    const { owner, database, server } = world
    const account = await world.account(owner)
    const group = await owner.call(createGroup, {
      params: { organization: account.organization_ids[0] ?? '' },
      body: { name: 'engineers' },
    })
    await owner.call(updateGroup, {
      params: { group: group.id },
      body: { add_users: [initiator], remove_users: [] },
    })
    await fixtures.aibridgeInterception(database.db, {
      initiator_id: initiator,
      client_session_id: '0d8c4f7e-3b1a-4f6e-9b0e-2f4f3c1d5a77',
    })
    const bin = await mkdtemp(path.join(tmpdir(), 'slipway-docs-'))
    try {
      const program = path.join(bin, 'slipway')
      await writeFile(program, `#!/bin/sh\nexec '${process.execPath}' '${SLIPWAY}' "$@"\n`)
      await chmod(program, 0o700)
      const env = {
        PATH: `${bin}:${process.env.PATH}`,
        HOME: bin,
        CODER_URL: server.url,
        CODER_SESSION_TOKEN: owner.headers['Coder-Session-Token'] ?? '',
      }
      const commands = blocks.filter(({ language, word }) => language === 'sh' && word === '')
      expect(commands.length).toBeGreaterThan(4)
      for (const { text } of commands) await run('sh', ['-ec', text], { env, input: '' })
      // Those of the table, and of the running text.
      const page = await readFile(PAGE, 'utf8')
      const short = [...page.matchAll(/\(`((?:budget|policy|keys) [^`]*\d[^`]*)`\)/g)].map(([, rest]) => rest)
      expect(short).toHaveLength(5)
      for (const rest of short) await run('sh', ['-ec', `slipway ai-gateway ${rest}`], { env, input: '' })
      const whole = [...page.matchAll(/`(slipway ai-gateway [^`]*[\w=])`/g)].map(([, command]) => command)
      for (const command of whole)
        if (command !== undefined && !command.endsWith('create'))
          await run('sh', ['-ec', command], { env, input: '' })
    } finally {
      await rm(bin, { recursive: true, force: true })
    }
  })

  it('every set-up of the page was tried', () => {
    expect([...used].sort()).toEqual(blocks.flatMap(({ word }) => (word === '' ? [] : [word])).sort())
  })
})

/** Runs a program to its end. @throws Error when it fails. */
async function run(
  program: string,
  args: readonly string[],
  { env, input }: { readonly env: Readonly<Record<string, string>>; readonly input: string },
): Promise<string> {
  const child = spawn(program, args, { stdio: 'pipe', cwd: HERE, env: { PATH: process.env.PATH, ...env } })
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
    })
  child.stdin.end(input)
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}: ${output.stderr}`)
  return output.stdout
}
