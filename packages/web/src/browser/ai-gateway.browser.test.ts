import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import {
  getAIGatewaySettings,
  getAIProviderRouting,
  getAPIKeyAILimits,
  getGroupAIBudget,
  getGroupAILimits,
  getGroupAIModelPolicy,
  getOrganizationAIBudget,
  getOrganizationAIPrivacy,
  getUserAIBudgetOverride,
  listAIModelPrices,
  listTokens,
} from '@slipway/contract'
import { openBrowser, PHONE, type TestBrowser } from '@slipway/testkit'
import { GatewayScene, gatewaySights, SESSIONS } from './ai-gateway.fixture.ts'
import { flawsOf } from './sights.fixture.ts'

const owned = new AsyncDisposableStack()
let scene: GatewayScene
let browser: TestBrowser
let home: string

beforeAll(async () => {
  scene = owned.use(await GatewayScene.start())
  browser = owned.use(await openBrowser())
  home = `/organizations/${scene.organization.name}`
}, 90_000)
afterAll(() => owned.disposeAsync())

describe('UI-1301: sessions', () => {
  it('T-49: the last 24 hours count without a range, which stays out of the address', async () => {
    const { page, faults } = await browser.openAs(scene.owner, SESSIONS)
    await page.getByText(/sessions? in the last 24 hours/).waitFor()
    await page.getByRole('link', { name: 'Summarize what you have changed' }).waitFor()
    expect(page.url()).toBe(scene.owner.url + SESSIONS)
    await page.getByRole('button', { name: 'Time: Last 24 hours' }).click()
    await page.getByRole('menuitemcheckbox', { name: 'Last 30 days' }).click()
    await page.getByText(/sessions in this range/).waitFor()
    await page.getByText(/^1 to 25 of/).waitFor()
    const midnight = /^started_after:"\d{4}-\d\d-\d\dT00:00:00Z"$/
    expect(new URL(page.url()).searchParams.get('filter')).toMatch(midnight)
    await page.getByRole('button', { name: 'Client', exact: true }).click()
    await page.getByRole('menuitemcheckbox', { name: 'Codex' }).click()
    await expect.poll(() => new URL(page.url()).searchParams.get('filter')).toContain('client:Codex')
    await page.getByRole('button', { name: 'Next page' }).click()
    await page.getByText(/^26 to/).waitFor()
    const before = page.url()
    await page.getByRole('row').nth(1).getByRole('link').click()
    await page.waitForURL(/\/sessions\/session-/)
    await page.getByRole('navigation', { name: 'Breadcrumbs' }).getByRole('link').click()
    await page.getByText(/^26 to/).waitFor()
    expect(page.url()).toBe(before)
    expect(faults).toEqual([])
  })

  it('says that the range is empty and widens it; a filter that cannot be read is said under it', async () => {
    const { page, faults } = await browser.openAs(scene.owner, `${SESSIONS}?filter=client%3AZed`)
    await page.getByText('No sessions of the last 24 hours match the filter').waitFor()
    await page.getByRole('button', { name: 'Show the last 30 days' }).click()
    await page.getByText('No sessions match the filter').waitFor()
    await page.getByRole('button', { name: 'Clear the filter' }).last().click()
    const lastDay = page.getByText(/in the last 24 hours/)
    await lastDay.first().waitFor()
    await page.getByLabel('Filter sessions').fill('nonsense:1')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').waitFor()
    expect(faults).toEqual([])
  })

  it('UI-1302: a session is a list of threads; prompts are text and nothing else', async () => {
    const { page, faults } = await browser.openAs(scene.owner, `${SESSIONS}/agent-session-1?initiator=ada`)
    const threads = page.getByRole('list', { name: 'Threads, oldest first' })
    await threads.getByText('<b>Tests</b> first.').waitFor()
    await threads.getByText('asked for as').waitFor()
    await threads.getByText('Overloaded: try again in a while').waitFor()
    await threads.getByRole('button', { name: 'Show all' }).click()
    await threads.getByText('at step13').waitFor()
    const tool = threads.getByRole('button', { name: /Bash/ })
    await tool.focus()
    await page.keyboard.press('Enter')
    await threads.getByText('"npm test -- queue"').waitFor()
    await threads.getByRole('button', { name: /search_issues/ }).click()
    await threads.getByText('the server did not answer within 30 s').waitFor()
    await threads.getByRole('button', { name: /Thought/ }).click()
    await threads.getByText('I should look at the reader first').last().waitFor()
    await page.getByText('115,200').waitFor()
    await page.goto(`${scene.owner.url}${SESSIONS}/long-session?initiator=ada`)
    await page.getByText('25 requests, 0 tool calls, 1 failed').waitFor()
    await page.getByRole('button', { name: 'Show 15 more requests' }).click()
    await threads.getByText('Request 25').waitFor()
    await page.goto(`${scene.owner.url}${SESSIONS}/gone`)
    await page.getByRole('heading', { name: 'There is no such session' }).waitFor()
    await page.goto(`${scene.owner.url}/aibridge/sessions`)
    await page.waitForURL(`**${SESSIONS}`)
    expect(faults).toEqual([])
  })

  it('UI-313: members see their own and no others', async () => {
    const { page, faults } = await browser.openAs(scene.ada, SESSIONS)
    await page.getByRole('heading', { name: 'You may not read other people’s sessions' }).waitFor()
    await page.getByText('aibridge_interception:read').waitFor()
    expect(await page.getByRole('link', { name: 'AI sessions' }).count()).toBe(0)
    await page.goto(`${scene.ada.url}/settings/ai`)
    await page.getByRole('meter', { name: 'Your budget' }).waitFor()
    await page.getByText('$46.30').waitFor()
    await page.getByText('Your group’s budget').waitFor()
    await page.getByRole('radio', { name: 'Codex' }).click()
    await page.getByText('env_key = "SLIPWAY_TOKEN"').waitFor()
    await page.getByText('The tool can also use house.').waitFor()
    await page.getByRole('link', { name: 'Summarize what you have changed' }).click()
    await page.getByRole('list', { name: 'Threads, oldest first' }).waitFor()
    await page
      .getByRole('navigation', { name: 'Breadcrumbs' })
      .getByRole('link', { name: 'AI usage' })
      .click()
    await page.waitForURL('**/settings/ai')
    expect(faults).toEqual([])
  })
})

describe('AG-116: spend', () => {
  it('is shown by day, model and user; the chart is read by the arrow keys, and is a table too', async () => {
    const { page, faults } = await browser.openAs(scene.owner, `${home}/ai-spend`)
    const chart = page.getByRole('slider', { name: 'Cost of each day' })
    await chart.focus()
    await page.keyboard.press('End')
    expect(await chart.getAttribute('aria-valuetext')).toMatch(/^\d+ \w+: \$/)
    await page.getByRole('button', { name: 'gpt-5', exact: true }).click()
    await page.getByText('in colour').waitFor()
    await chart.focus()
    await page.keyboard.press('Home')
    expect(await chart.getAttribute('aria-valuetext')).toContain('for gpt-5')
    await page.getByRole('radio', { name: 'Table' }).click()
    await page
      .getByRole('table', { name: 'Cost by day' })
      .getByRole('columnheader', { name: 'gpt-5' })
      .waitFor()
    expect(page.url()).toContain('view=table')
    await page.getByText('22 requests have no price').waitFor()
    await page.getByRole('radio', { name: '7 days' }).click()
    await expect.poll(() => page.getByRole('table', { name: 'Cost by day' }).getByRole('row').count()).toBe(8)
    const download = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Export' }).click()
    await page.getByRole('menuitem', { name: /This month/ }).click()
    expect((await download).suggestedFilename()).toMatch(/^ai-spend-export-.+\.csv$/)
    expect(faults).toEqual([])
  })

  it('UI-313: is not open to members', async () => {
    const { page } = await browser.openAs(scene.ada, `${home}/ai-spend`)
    await page.getByRole('heading', { name: 'You may not see what models cost' }).waitFor()
  })
})

describe('limits', () => {
  it('AG-B14: the organization gets a budget, another, and none', async () => {
    const { page, faults } = await browser.openAs(scene.owner, `${home}/ai-limits`)
    const params = { organization: scene.organization.id }
    const budget = page.getByLabel('All members together')
    await budget.fill('much')
    await page.getByRole('button', { name: 'Save budget' }).click()
    await page.getByText('An amount in dollars from 0 to 1,000,000.').waitFor()
    await budget.fill('250.50')
    await page.getByRole('button', { name: 'Save budget' }).click()
    await page.getByRole('meter', { name: 'Organization budget' }).waitFor()
    expect((await scene.owner.call(getOrganizationAIBudget, { params })).spend_limit_micros).toBe(250_500_000)
    await budget.fill('')
    await page.getByRole('button', { name: 'Save budget' }).click()
    await expect
      .poll(() =>
        scene.owner.call(getOrganizationAIBudget, { params }).then(
          () => 'there',
          () => 'gone',
        ),
      )
      .toBe('gone')
    await page.getByLabel('What is kept').selectOption('redacted')
    await page.getByRole('button', { name: 'Save privacy' }).click()
    await expect
      .poll(async () => (await scene.owner.call(getOrganizationAIPrivacy, { params })).level)
      .toBe('redacted')
    await page.getByRole('link', { name: 'Backend' }).click()
    await page.getByRole('heading', { name: 'AI limits' }).waitFor()
    expect(faults).toEqual([])
  })

  it('AG-112, AG-B9: a group gets limits and models; one of its members a budget of their own', async () => {
    const { page, faults } = await browser.openAs(scene.owner, `${home}/groups/backend/ai`)
    const params = { group: scene.group.id }
    await page.getByLabel('Each member', { exact: true }).fill('75')
    await page.getByLabel('All members together', { exact: true }).fill('')
    await page.getByLabel('Each member, tokens').fill('100,000')
    await page.getByRole('button', { name: 'Save limits' }).click()
    await page.getByText('The limits of Backend were saved').waitFor()
    expect((await scene.owner.call(getGroupAIBudget, { params })).spend_limit_micros).toBe(75_000_000)
    expect(await scene.owner.call(getGroupAILimits, { params })).toMatchObject({
      total_spend_limit_micros: null,
      tokens_per_minute: null,
      member_tokens_per_minute: 100_000,
    })
    await page.getByLabel('Aliases').fill('fast')
    await page.getByRole('button', { name: 'Save models' }).click()
    await page.getByText('One “name = model” per line, each name once.').waitFor()
    await page.getByLabel('Aliases').fill('fast = claude-haiku-4-5\nbig = claude-opus-4-5')
    await page.getByRole('button', { name: 'Save models' }).click()
    await page.getByText('The models of Backend were saved').waitFor()
    expect((await scene.owner.call(getGroupAIModelPolicy, { params })).aliases).toEqual({
      fast: 'claude-haiku-4-5',
      big: 'claude-opus-4-5',
    })

    await page.getByRole('button', { name: 'Actions for ada' }).click()
    await page.getByRole('menuitem', { name: 'Set own budget' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: 'Save budget' }).click()
    await dialog.getByText('Type an amount in dollars').waitFor()
    await dialog.getByLabel('They may spend').fill('120')
    await page.keyboard.press('Enter')
    await page.getByText('Own budget', { exact: true }).waitFor()
    const user = { user: scene.adaUser.id }
    expect(await scene.owner.call(getUserAIBudgetOverride, { params: user })).toMatchObject({
      group_id: scene.group.id,
      spend_limit_micros: 120_000_000,
    })
    await page.goto(`${scene.owner.url}/deployment/users/ada`)
    const section = page.locator('section', { has: page.getByRole('heading', { name: 'AI spend' }) })
    await section.getByText('of $120.00').waitFor()
    await section.getByRole('button', { name: 'Remove' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
    await section.getByText('Uses a group’s budget.').waitFor()
    expect(faults).toEqual([])
  })
})

describe('settings of the gateway', () => {
  it('AG-B17: are saved in one go, only what was changed, and secrets are never shown', async () => {
    const { page, faults } = await browser.openAs(scene.owner, '/ai/settings/governance')
    await page.getByLabel('Budgets reset').selectOption('week')
    await page.getByLabel('Refuse models without a price').click()
    await page.getByRole('radio', { name: 'Redact' }).click()
    await page.getByLabel('Your own patterns').fill('(')
    await page.getByLabel('Webhook', { exact: true }).fill('https://guard.example.com/ask')
    await page.getByRole('textbox', { name: 'Timeout', exact: true }).fill('301')
    await page.getByRole('button', { name: 'Save settings' }).click()
    await page.getByText('2 fields need another value.').waitFor()
    await page.getByText('“(” is not a regular expression.').waitFor()
    await expect.poll(() => page.evaluate(() => document.activeElement?.tagName)).toBe('TEXTAREA')
    await page.getByLabel('Your own patterns').fill('corp-[0-9a-f]{32}')
    await page.getByRole('textbox', { name: 'Timeout', exact: true }).fill('150')
    await page.getByRole('button', { name: 'Set a secret' }).click()
    await page.getByLabel('Secret', { exact: true }).fill('shared-with-the-guard')
    await page.getByRole('button', { name: 'Save settings' }).click()
    await page.getByText('The settings of the gateway were saved').waitFor()
    expect(await scene.owner.call(getAIGatewaySettings)).toMatchObject({
      budget_period: 'week',
      block_unpriced_models: true,
      guardrails: {
        secrets: 'redact',
        patterns: ['corp-[0-9a-f]{32}'],
        webhook_url: 'https://guard.example.com/ask',
        webhook_timeout_ms: 150,
        webhook_secret_set: true,
      },
    })
    await page.getByText('Set', { exact: true }).waitFor()
    expect(await page.content()).not.toContain('shared-with-the-guard')
    await page.getByLabel('Budgets reset').selectOption('month')
    await page.getByRole('link', { name: 'Prices', exact: true }).first().click()
    await page
      .getByRole('dialog', { name: 'Leave without saving?' })
      .getByRole('button', { name: 'Leave' })
      .click()
    await page.getByRole('heading', { name: 'Model prices' }).waitFor()
    expect(faults).toEqual([])
  })

  it('AG-109: prices are found, set, and taken back to those of the release', async () => {
    const { page, faults } = await browser.openAs(
      scene.owner,
      '/ai/settings/prices?filter=provider%3Aopenai+gpt-5-nano',
    )
    await page.getByRole('button', { name: 'Actions for gpt-5-nano', exact: true }).click()
    await page.getByRole('menuitem', { name: 'Change the price' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Input').fill('0.075')
    await dialog.getByRole('button', { name: 'Save price' }).click()
    await page
      .getByRole('row', { name: /gpt-5-nano Set here/ })
      .getByText('$0.075')
      .first()
      .waitFor()
    await page.getByRole('button', { name: 'Actions for gpt-5-nano', exact: true }).click()
    await page.getByRole('menuitem', { name: /Use the price of the release/ }).click()
    await page.getByText('gpt-5-nano has the price of the release again').waitFor()
    await page.getByRole('button', { name: 'New price' }).click()
    await dialog.getByRole('button', { name: 'Save price' }).click()
    await dialog.getByText('Enter at least one price.').waitFor()
    await dialog.getByLabel('Provider type').selectOption('openai')
    await dialog.getByLabel('Model').fill('house-model')
    await dialog.getByLabel('Output').fill('2')
    await dialog.getByRole('button', { name: 'Save price' }).click()
    await page.getByText('The price of house-model was saved').waitFor()
    expect(await scene.owner.call(listAIModelPrices, { query: { model: 'house-model' } })).toMatchObject([
      { source: 'custom', input_price: null, output_price: 2_000_000 },
    ])
    await page.getByLabel('Filter prices').fill('house-model')
    await page.getByRole('button', { name: 'Actions for house-model', exact: true }).click()
    await page.getByRole('menuitem', { name: /Remove the price/ }).click()
    await page.getByText('house-model no longer has a price').waitFor()
    expect(await scene.owner.call(listAIModelPrices, { query: { model: 'house-model' } })).toEqual([])
    expect(faults).toEqual([])
  })

  it('AG-B10: a provider gets others that stand in for it', async () => {
    const { page, faults } = await browser.openAs(scene.owner, '/ai/settings/providers/openai')
    const section = page.locator('section', { has: page.getByRole('heading', { name: 'Routing' }) })
    await section.getByLabel('Choice of key').selectOption('round_robin')
    await section.getByRole('button', { name: 'Add provider' }).first().click()
    await section.getByLabel('Model names there').fill('gpt-5 qwen3')
    await section.getByLabel('Connect').fill('0')
    await section.getByRole('button', { name: 'Save routing' }).click()
    await section.getByText('2 fields need another value.').waitFor()
    await section.getByLabel('Model names there').fill('gpt-5 = qwen3')
    await section.getByLabel('Connect').fill('2.5')
    await section.getByRole('button', { name: 'Save routing' }).click()
    await page.getByText('The routing of openai was saved').waitFor()
    expect(await scene.owner.call(getAIProviderRouting, { params: { idOrName: 'openai' } })).toMatchObject({
      key_strategy: 'round_robin',
      fallbacks: [{ provider: 'house', models: { 'gpt-5': 'qwen3' } }],
      connect_timeout_ms: 2500,
      total_timeout_ms: null,
    })
    expect(faults).toEqual([])
  })

  it('UI-2: says what could not be read, and reads it again', async () => {
    const { page } = await browser.openAs(scene.owner, '/workspaces')
    let down = true
    await page.route('**/api/v2/ai/gateway-settings', (route) =>
      down ? route.fulfill({ status: 500, json: { message: 'The database is away.' } }) : route.continue(),
    )
    await page.goto(`${scene.owner.url}/ai/settings/governance`)
    await page.getByText('The settings of the gateway could not be read: The database is away.').waitFor()
    down = false
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByRole('heading', { name: 'Guardrails' }).waitFor()
  })

  it('UI-313: are closed to members', async () => {
    const { page } = await browser.openAs(scene.ada, '/ai/settings/governance')
    await page.getByRole('heading', { name: /^You may not/ }).waitFor()
    await page.goto(`${scene.ada.url}/ai/settings/prices`)
    await page.getByRole('heading', { name: /^You may not/ }).waitFor()
  })
})

it('AG-B8: a token that asks models and nothing else is made with limits, and gets others', async () => {
  const { page, faults } = await browser.openAs(scene.ada, '/settings/tokens/new?for=ai')
  await page.getByLabel('Name', { exact: true }).fill('editor')
  await page.getByLabel('Spend in a month').fill('x')
  await page.getByRole('button', { name: 'Create token' }).click()
  await page.getByText('An amount in dollars from 0 to 1,000,000.').waitFor()
  await page.getByLabel('Spend in a month').fill('10')
  await page.getByLabel('Only these models').fill('claude-*')
  await page.getByRole('button', { name: 'Create token' }).click()
  await page.getByText('Copy it now. It will not be shown again.').waitFor()
  const token = (await scene.ada.call(listTokens, { params: { user: 'me' }, query: {} })).find(
    ({ token_name: name }) => name === 'editor',
  )
  expect(token?.scopes).toEqual(['coder:ai_gateway.use'])
  const params = { user: 'me', keyid: token?.id ?? '' }
  const limits = {
    monthly_spend_limit_micros: 10_000_000,
    models: ['claude-*'],
    providers: null,
    requests_per_second: null,
    tokens_per_minute: null,
  }
  expect(await scene.ada.call(getAPIKeyAILimits, { params })).toMatchObject(limits)
  await page.getByRole('link', { name: 'Done' }).click()
  await page.getByRole('link', { name: 'editor' }).click()
  await page.getByRole('meter', { name: 'Spent with this token' }).waitFor()
  await page.getByLabel('Requests', { exact: true }).fill('5')
  await page.getByRole('button', { name: 'Save limits' }).click()
  await page.getByText('The limits of the token were saved').waitFor()
  expect(await scene.ada.call(getAPIKeyAILimits, { params })).toMatchObject({
    ...limits,
    requests_per_second: 5,
  })
  expect(faults).toEqual([])
})

it('UI-1807: nothing on these pages is hidden from assistive software or wider than the screen', async () => {
  const page = await browser.openAs(scene.owner, '/workspaces', { viewport: PHONE })
  const flaws = await flawsOf(page, scene.owner.url, gatewaySights(home))
  expect(flaws).toEqual([])
}, 90_000)
