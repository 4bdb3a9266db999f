import { sql } from 'kysely'
import { afterEach, expect, it } from 'vitest'

import { deleteAIProvider, listAIProviders, updateAIProvider } from '@slipway/contract'
import { createTestDatabase, openDatabase, startTestServer, until } from '@slipway/testkit'

const stack: AsyncDisposable[] = []
afterEach(async () => {
  for (const one of stack.splice(0).reverse()) await one[Symbol.asyncDispose]()
})

const PREFIX = 'CODER_AI_GATEWAY_PROVIDER_'
const CORP = {
  [`${PREFIX}0_TYPE`]: 'openai-compat',
  [`${PREFIX}0_NAME`]: 'corp',
  [`${PREFIX}0_KEYS`]: 'key-one-0123456789,key-two-0123456789',
  [`${PREFIX}0_BASE_URL`]: 'http://models.internal/v1',
}

async function newDatabase(): Promise<string> {
  const source = await createTestDatabase()
  stack.push(source)
  return source.url
}

async function start(databaseUrl: string, env: Record<string, string>) {
  const server = await startTestServer({ databaseUrl, env })
  stack.push(server)
  return server
}

it('AG-106: providers of the configuration are made once, enabled and with their keys', async () => {
  const databaseUrl = await newDatabase()
  const env = {
    ...CORP,
    CODER_AI_GATEWAY_OPENAI_KEY: 'sk-openai-0123456789abcdef',
    CODER_AI_GATEWAY_BEDROCK_REGION: 'eu-west-1',
    CODER_AI_GATEWAY_BEDROCK_ACCESS_KEY: 'AKIAEXAMPLE0123456789',
    CODER_AI_GATEWAY_BEDROCK_ACCESS_KEY_SECRET: 'secret-of-aws',
  }
  const first = await start(databaseUrl, env)
  const owner = await first.owner()
  const made = await owner.call(listAIProviders, {})
  expect(made).toMatchObject([
    {
      name: 'anthropic',
      type: 'anthropic',
      enabled: true,
      status: 'enabled',
      base_url: 'https://bedrock-runtime.eu-west-1.amazonaws.com',
      settings: { region: 'eu-west-1', protocol: 'invoke-model' },
      api_keys: [],
    },
    {
      name: 'corp',
      type: 'openai-compat',
      display_name: 'corp',
      enabled: true,
      base_url: 'http://models.internal/v1',
      api_keys: [{ masked: 'ke...89' }, { masked: 'ke...89' }],
    },
    {
      name: 'openai',
      type: 'openai',
      base_url: 'https://api.openai.com/v1/',
      api_keys: [{ masked: 'sk-o...cdef' }],
    },
  ])
  // In another order they are the same keys.
  await start(databaseUrl, { ...env, [`${PREFIX}0_KEYS`]: 'key-two-0123456789,key-one-0123456789' })
  expect(await owner.call(listAIProviders, {})).toEqual(made)
  const elsewhere = {
    CODER_AI_GATEWAY_BEDROCK_BASE_URL: made[0]?.base_url ?? '',
    CODER_AI_GATEWAY_BEDROCK_REGION: 'us-east-1',
  }
  for (const [change, problem] of [
    [elsewhere, 'AI provider "anthropic": its Bedrock region in the configuration is not the stored one'],
    [{ CODER_AI_GATEWAY_BEDROCK_ACCESS_KEY_SECRET: 'other' }, 'its set of credentials in the configuration'],
  ] as const)
    await expect(start(databaseUrl, { ...env, ...change })).rejects.toThrow(problem)
})

it('AG-106: what differs from what is stored stops the start, and what was deleted stays so', async () => {
  const databaseUrl = await newDatabase()
  const first = await start(databaseUrl, CORP)
  const owner = await first.owner()
  for (const [variable, value, what] of [
    ['0_TYPE', 'openai', 'type'],
    ['0_BASE_URL', 'http://elsewhere.internal/v1', 'base URL'],
    ['0_KEYS', 'key-one-0123456789', 'set of credentials'],
  ] as const)
    await expect(start(databaseUrl, { ...CORP, [PREFIX + variable]: value })).rejects.toThrow(
      `AI provider "corp": its ${what} in the configuration is not the stored one`,
    )
  const params = { idOrName: 'corp' }
  await owner.call(updateAIProvider, { params, body: { enabled: false, display_name: 'Corp' } })
  await start(databaseUrl, CORP)
  expect(await owner.call(listAIProviders, {})).toMatchObject([{ enabled: false, display_name: 'Corp' }])
  await owner.call(deleteAIProvider, { params })
  await start(databaseUrl, CORP)
  expect(await owner.call(listAIProviders, {})).toEqual([])
})

it.each([
  ['a type without an address', { TYPE: 'openai-compat', NAME: 'x' }, 'BASE_URL is needed'],
  ['a name twice', { TYPE: 'openai', NAME: 'openai', KEY: 'k' }, 'is configured twice'],
  [
    'Bedrock with another type',
    { TYPE: 'openai', NAME: 'x', BEDROCK_REGION: 'r' },
    'is not for the type openai',
  ],
  ['a name that paths of the gateway have', { TYPE: 'openai', NAME: 'sessions' }, '0_NAME is reserved'],
  ['a key that no header can hold', { TYPE: 'openai', NAME: 'x', KEY: 'ké' }, '0_KEYS must hold only'],
  ['a region that is none', { TYPE: 'bedrock', NAME: 'x', BEDROCK_REGION: 'a b' }, '0_BEDROCK_REGION must'],
  [
    'a key together with Bedrock',
    { TYPE: 'anthropic', NAME: 'x', KEY: 'k', BEDROCK_REGION: 'r' },
    'cannot be combined with Bedrock',
  ],
  ['a key of Copilot', { TYPE: 'copilot', NAME: 'x', KEY: 'k' }, 'takes no KEY'],
  [
    'a key with the end of its line',
    { CODER_AI_GATEWAY_ANTHROPIC_KEY: 'sk\n' },
    'AI provider "anthropic": --ai-gateway-anthropic-key must not have white space around it',
  ],
  [
    'a region of Bedrock that is none',
    { CODER_AI_GATEWAY_BEDROCK_REGION: 'EU' },
    '--ai-gateway-bedrock-region must be the name of a region',
  ],
  ['half a key of AWS', { CODER_AI_GATEWAY_BEDROCK_ACCESS_KEY: 'AKIA' }, 'set both or none'],
  [
    'a key of Anthropic together with Bedrock',
    { CODER_AI_GATEWAY_ANTHROPIC_KEY: 'sk', CODER_AI_GATEWAY_BEDROCK_REGION: 'eu-west-1' },
    'cannot be combined with the --ai-gateway-bedrock-',
  ],
])('AG-106: %s stops the start', async (_what, member, problem) => {
  const env = Object.fromEntries(
    Object.entries(member).map(([key, value]) => [
      key.startsWith('CODER_') ? key : `${PREFIX}0_${key}`,
      value,
    ]),
  )
  const both = { ...env, CODER_AI_GATEWAY_OPENAI_KEY: 'sk' }
  await expect(start(await newDatabase(), both)).rejects.toThrow(problem)
})

it('AG-106: replicas that start together make each provider once', async () => {
  const databaseUrl = await newDatabase()
  await using database = await openDatabase(databaseUrl)
  // Both are there before one of them may begin.
  const { starting } = await database.db.transaction().execute(async (held) => {
    await sql`select pg_advisory_xact_lock(hashtextextended('ai_provider_seeding', 0))`.execute(held)
    const both = Promise.all([start(databaseUrl, CORP), start(databaseUrl, CORP)])
    await until('both to wait', async () => {
      const { rows } = await sql`
        select from pg_locks where locktype = 'advisory' and not granted
           and database = (select oid from pg_database where datname = current_database())`.execute(held)
      return rows.length === 2
    })
    return { starting: both }
  })
  const [first] = await starting
  const owner = await first.owner()
  expect((await owner.call(listAIProviders, {})).map(({ api_keys }) => api_keys.length)).toEqual([2])
})
