import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  assignMemberRoles,
  createAIProvider,
  createChatModelConfig,
  deleteAIProvider,
  getChatRetentionDays,
  getChatSystemPrompt,
  getChatUserPrompt,
  listAIProviders,
  listChatModelConfigs,
  listOrganizations,
  updateChatPersonalModelOverrides,
} from '@slipway/contract'
import {
  FakeModelProvider,
  openBrowser,
  PHONE,
  says,
  startTestServer,
  type TestBrowser,
  type TestServer,
  until,
} from '@slipway/testkit'
import { goneAfterDialog } from './gone.fixture.ts'
import { flawsOf } from './sights.fixture.ts'

const PROVIDERS = '/ai/settings/providers'
const MODELS = '/ai/settings/models'

const owned = new AsyncDisposableStack()
let server: TestServer
let browser: TestBrowser
let owner: Client
let ada: Client
let model: FakeModelProvider
let organization: string

beforeAll(async () => {
  model = owned.use(await FakeModelProvider.start())
  model.answer = () => says('Done, and tested.')
  server = owned.use(await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } }))
  browser = owned.use(await openBrowser())
  owner = await server.owner()
  ada = await server.user('ada')
  organization = (await owner.call(listOrganizations)).find((one) => one.is_default)?.id ?? ''
}, 60_000)
afterAll(() => owned.disposeAsync())

describe('before there is a model', () => {
  it('UI-1103: those without the role are told what is missing, and whom to ask', async () => {
    const { page, faults } = await browser.openAs(ada, '/agents')
    await page.getByRole('heading', { name: 'You may not start chats' }).waitFor()
    await page.getByText('agents-access').waitFor()
    expect(await page.getByRole('navigation', { name: 'Main' }).getByText('Agents').count()).toBe(0)
    await page.goto(ada.url + PROVIDERS)
    await page.getByRole('heading', { name: 'You may not see model providers' }).waitFor()
    await page.goto(ada.url + MODELS)
    await page.getByRole('heading', { name: 'You may not manage models' }).waitFor()
    expect(faults).toEqual([])
  })

  it('UI-1103: members are told to ask, administrators are led to a provider', async () => {
    await owner.call(assignMemberRoles, {
      params: { organization, user: 'ada' },
      body: { roles: ['agents-access'] },
    })
    const member = await browser.openAs(ada, '/agents')
    await member.page.getByRole('heading', { name: 'No model yet' }).waitFor()
    const { page, faults } = await browser.openAs(owner, '/agents')
    await page.getByRole('heading', { name: 'Two steps to the first chat' }).waitFor()
    await page.getByRole('link', { name: 'Add a provider' }).click()
    await page.getByRole('link', { name: /Anthropic/ }).click()
    await page.getByRole('heading', { name: 'New provider: Anthropic' }).waitFor()
    expect(await page.getByLabel('Base URL').inputValue()).toBe('https://api.anthropic.com/')
    expect([...faults, ...member.faults]).toEqual([])
  })

  it('right after set-up a provider and its default model are offered, and can wait', async () => {
    const { page, faults } = await browser.openAs(owner, '/welcome', { viewport: PHONE })
    await page.getByRole('heading', { name: 'Connect a model' }).waitFor()
    await page.getByRole('button', { name: 'Not now' }).click()
    await page.getByRole('heading', { name: 'Templates' }).waitFor()
    await page.goto(`${owner.url}/welcome`)
    await page.getByLabel('Provider').selectOption('openai-compat')
    await page.getByLabel('Base URL').fill(`${model.url}/v1`)
    await page.getByLabel('API key').fill('sk-first-key')
    await page.getByLabel('Default model').fill('scripted-model')
    await page.getByRole('button', { name: 'Connect' }).click()
    await page.waitForURL('**/agents')
    expect(await owner.call(listChatModelConfigs)).toMatchObject([
      { model: 'scripted-model', is_default: true },
    ])
    expect(faults).toEqual([])
  })
})

describe('AI settings', () => {
  it('UI-1303: a provider is made, tested, changed, turned off and deleted', async () => {
    const { page, faults } = await browser.openAs(owner, `${PROVIDERS}/add?type=openai`)
    await page.getByLabel('Base URL').fill('nowhere')
    await page.getByRole('button', { name: 'Create provider' }).click()
    await page.getByText('One field needs a value.').waitFor()
    await page.getByLabel('Base URL').fill(`${model.url}/v1`)
    await page.getByLabel('Key', { exact: true }).fill('sk-second-key-1234567890')
    await page.getByLabel('Display name').fill('House models')
    const name = page.getByRole('textbox', { name: 'Name', exact: true })
    await owner.call(createAIProvider, {
      body: { type: 'openai-compat', name: 'other', base_url: `${model.url}/v1` },
    })
    for (const [given, told] of [
      ['other', 'Another provider has this name.'],
      ['sessions', 'is reserved'],
    ] as const) {
      await name.fill(given)
      await page.getByRole('button', { name: 'Create provider' }).click()
      await page.getByText(told, { exact: true }).waitFor()
      await expect.poll(() => name.getAttribute('aria-invalid')).toBe('true')
    }
    expect(await page.getByRole('alert').textContent()).toMatch(
      /Invalid AI provider request\.\s*name is reserved\s*$/,
    )
    await owner.call(deleteAIProvider, { params: { idOrName: 'other' } })
    await name.fill('openai')
    await page.getByRole('button', { name: 'Create provider' }).click()
    await page.getByRole('heading', { name: 'House models' }).waitFor()
    await page.getByText(`${owner.url}/api/v2/ai-gateway/openai/v1`, { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Test now' }).click()
    await page.getByRole('list', { name: 'Results of the test' }).getByLabel('Works').waitFor()

    await page.getByRole('button', { name: 'Add key' }).click()
    await page.getByLabel('New key').fill('sk-third-key-1234567890')
    await page.getByRole('button', { name: 'Save provider' }).click()
    await page.getByText('The provider House models was saved').waitFor()
    const made = async () => (await owner.call(listAIProviders)).find(({ name }) => name === 'openai')
    expect((await made())?.api_keys).toHaveLength(2)
    expect(await page.getByText('sk-third-key').count()).toBe(0)

    await page.getByRole('button', { name: 'Turn off' }).click()
    await page.getByRole('dialog').getByText('Agents use no model of it.').waitFor()
    await page.getByRole('dialog').getByRole('button', { name: 'Turn off' }).click()
    await page.getByRole('button', { name: 'Turn on' }).waitFor()
    expect((await made())?.enabled).toBe(false)
    await page.getByRole('button', { name: 'Delete', exact: true }).click()
    await page.getByRole('dialog').getByRole('textbox').fill('openai')
    await page.keyboard.press('Enter')
    await page.waitForURL(`**${PROVIDERS}`)
    expect(await made()).toBeUndefined()
    expect(faults).toEqual([])
  })

  it('says which keys a provider refuses', async () => {
    const provider = await owner.call(createAIProvider, {
      body: {
        type: 'openai',
        name: 'nobody',
        base_url: `${model.url}/v1`,
        api_keys: ['sk-refused-key-0123456789'],
        enabled: true,
      },
    })
    const answers = model.answer
    model.answer = (request) =>
      request.key === 'sk-refused-key-0123456789' ? { status: 401, message: 'No.' } : answers(request)
    const { page } = await browser.openAs(owner, `${PROVIDERS}/${provider.name}`)
    await page.getByRole('button', { name: 'Test now' }).click()
    await page.getByRole('list', { name: 'Results of the test' }).getByLabel('Fails').waitFor()
    model.answer = answers
    // AG-B18: whoever comes later sees it too.
    await page.goto(`${owner.url}${PROVIDERS}`)
    await page.getByText('The key sk-r...6789 was refused: No.').waitFor()
    await page.getByRole('link', { name: 'nobody' }).click()
    await page.getByRole('list', { name: 'What requests have found' }).getByText('was refused').waitFor()
    await page.goto(`${owner.url}${PROVIDERS}/gone`)
    await page.getByRole('heading', { name: 'There is no such provider' }).waitFor()
  })

  it('UI-1303: a model is added, made the default, duplicated and deleted', async () => {
    const { page, faults } = await browser.openAs(owner, `${MODELS}/add`)
    await page.getByLabel('Provider', { exact: true }).selectOption({ label: 'OpenAI-compatible' })
    await page.getByLabel('Model id').fill('second-model')
    await page.getByLabel('Temperature').fill('9')
    await page.getByRole('button', { name: 'Add model' }).click()
    await page.getByText('A number from 0 to 2.').waitFor()
    await page.getByLabel('Temperature').fill('0.3')
    await page.getByLabel('Default effort').selectOption('low')
    await page.getByLabel('Highest effort').selectOption('high')
    await page.getByRole('button', { name: 'Add model' }).click()
    await page.getByRole('row', { name: /second-model/ }).waitFor()
    await page.getByRole('button', { name: 'Actions for second-model' }).click()
    await page.getByRole('menuitem', { name: 'Make default' }).click()
    await page.getByRole('row', { name: /second-model Default/ }).waitFor()
    await page.getByRole('link', { name: 'scripted-model' }).click()
    await page.getByRole('link', { name: 'Duplicate' }).click()
    await page.getByRole('button', { name: 'Add model' }).click()
    await page.getByRole('row', { name: /\(copy\)/ }).waitFor()
    await page.getByRole('button', { name: /^Actions for scripted-model \(copy\)/ }).click()
    await page.getByRole('menuitem', { name: 'Delete' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete model' }).click()
    await goneAfterDialog(page.getByRole('row', { name: /\(copy\)/ }))
    const stored = await owner.call(listChatModelConfigs)
    expect(stored.find((one) => one.model === 'second-model')).toMatchObject({
      is_default: true,
      reasoning_efforts: ['none', 'minimal', 'low', 'medium', 'high'],
      model_config: { temperature: 0.3 },
    })
    expect(stored).toHaveLength(2)
    expect(faults).toEqual([])
  })

  it('UI-1304: instructions and times are kept, and refused where they cannot be', async () => {
    const { page, faults } = await browser.openAs(owner, '/ai/settings/instructions')
    await page.getByLabel('Your instructions').fill('Write tests first.')
    await page.getByRole('button', { name: 'Save' }).first().click()
    await page.getByText('The system prompt was saved').waitFor()
    expect((await owner.call(getChatSystemPrompt)).system_prompt).toBe('Write tests first.')
    await page.getByRole('link', { name: 'Lifecycle' }).click()
    await page.getByLabel('Days in the archive').fill('9999')
    await page.getByText('A whole number from 0 to 3,650.').waitFor()
    await page.getByLabel('Days in the archive').fill('90')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Retention: saved').waitFor()
    expect(await owner.call(getChatRetentionDays)).toEqual({ retention_days: 90 })
    expect(faults).toEqual([])
  })
})

describe('own settings', () => {
  it('UI-1153: instructions, thresholds and models are one’s own', async () => {
    await owner.call(updateChatPersonalModelOverrides, { body: { allow_users: true } })
    const { page, faults } = await browser.openAs(ada, '/agents/settings')
    await page.getByLabel('Instructions').fill('Answer in short.')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Your instructions were saved').waitFor()
    expect(await ada.call(getChatUserPrompt)).toEqual({ custom_prompt: 'Answer in short.' })
    await page.getByRole('link', { name: 'Compaction' }).click()
    const threshold = page.getByLabel('Threshold of scripted-model in percent')
    await threshold.fill('101')
    await page.getByText('A whole number from 0 to 100.').waitFor()
    await threshold.fill('55')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Use the default' }).click()
    await page.getByRole('button', { name: 'Use the default' }).waitFor({ state: 'detached' })
    await page.getByRole('link', { name: 'Models' }).click()
    await page.getByLabel('Explorers').selectOption({ label: 'scripted-model' })
    await page.reload()
    await until(
      'the choice',
      async () => (await page.getByLabel('Explorers').inputValue()) !== 'deployment_default',
    )
    expect(faults).toEqual([])
  })

  it('links that are older lead to where the pages are now', async () => {
    const { page } = await browser.openAs(owner, '/agents/settings/lifecycle')
    await page.waitForURL('**/ai/settings/lifecycle')
    await page.goto(`${owner.url}/ai/settings`)
    await page.waitForURL(`**${PROVIDERS}`)
  })
})

it('UI-1807, UI-1707: settings have no faults of access, and do not scroll sideways', async () => {
  await owner.call(createChatModelConfig, {
    body: {
      ai_provider_id: (await owner.call(listAIProviders))[0]?.id ?? '',
      model: 'a-model-with-a-very-long-name-that-nobody-would-like-to-read-2026-11-28',
      context_limit: 1000,
    },
  })
  const [provider] = await owner.call(listAIProviders)
  const [config] = await owner.call(listChatModelConfigs)
  const watched = await browser.openAs(owner, PROVIDERS)
  const flaws = await flawsOf(watched, server.url, {
    'own settings': { path: '/agents/settings/general' },
    compaction: { path: '/agents/settings/compaction' },
    'own models': { path: '/agents/settings/user-agents' },
    'own keys': { path: '/agents/settings/api-keys' },
    providers: { path: PROVIDERS },
    'kinds of providers': { path: `${PROVIDERS}/add` },
    bedrock: { path: `${PROVIDERS}/add?type=bedrock` },
    provider: { path: `${PROVIDERS}/${provider?.name}` },
    models: { path: MODELS },
    'new model': { path: `${MODELS}/add` },
    model: { path: `${MODELS}/${config?.id}` },
    'agents settings': { path: '/ai/settings/coder-agents' },
    instructions: { path: '/ai/settings/instructions' },
    lifecycle: { path: '/ai/settings/lifecycle' },
    welcome: { path: '/welcome' },
  })
  expect(flaws).toEqual([])
}, 120_000)
