import { readFile } from 'node:fs/promises'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import {
  fixtures,
  openBrowser,
  openDatabase,
  startTestServer,
  type TestBrowser,
  type TestServer,
} from '@slipway/testkit'
import { flawsOf } from './sights.fixture.ts'

const HOUR_MS = 3_600_000
const PATH = '/templates/local-workspace/insights'
const owned = new AsyncDisposableStack()
let server: TestServer
let browser: TestBrowser
let owner: Client

beforeAll(async () => {
  server = owned.use(await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } }))
  browser = owned.use(await openBrowser())
  owner = await server.owner()
  const template = await server.builtInTemplate()
  await using database = await openDatabase(server.databaseUrl, { maxConnections: 1 })
  const { db } = database
  const used = await db
    .selectFrom('templates')
    .selectAll()
    .where('id', '=', template.id)
    .executeTakeFirstOrThrow()
  await fixtures.templateUsedApp(db, { template: used, slug: 'notes', display_name: 'Notes' })
  const names = ['ada', 'grace', 'somebody-with-a-really-long-name']
  for (const [place, username] of names.entries()) {
    const user = await fixtures.user(db, { username, status: 'active' })
    for (let day = 1; day <= 20; day += place + 1)
      for (let half = 0; half < 6 - place; half += 1)
        await fixtures.templateUsageStat(db, {
          user,
          template: used,
          start_time: new Date(
            Math.floor((Date.now() - day * 24 * HOUR_MS) / HOUR_MS) * HOUR_MS + (half * HOUR_MS) / 2,
          ),
          usage_mins: 30,
          ssh_mins: 20,
          reconnecting_pty_mins: 10,
          vscode_mins: place === 0 ? 25 : 0,
          apps: JSON.stringify({ notes: { mins: 12, times: 1 } }),
          median_latency_ms: [18, 210, 480][place] ?? 0,
        })
  }
  const version = await db
    .selectFrom('template_versions')
    .selectAll()
    .where('id', '=', used.active_version_id)
    .executeTakeFirstOrThrow()
  await db.deleteFrom('template_version_parameters').where('template_version_id', '=', version.id).execute()
  await fixtures.templateVersionParameter(db, { version, name: 'size', display_name: 'Size' })
  const workspace = await fixtures.workspace(db, { template: used })
  const build = await fixtures.workspaceBuild(db, { workspace, version })
  await fixtures.workspaceBuildParameter(db, { build, name: 'size', value: 'large' })
})
afterAll(() => owned.disposeAsync())

describe('UI-1008: insights of a template', () => {
  it('tell who used it, how long, with what and from how far away, as charts, tables and files', async () => {
    const { page, faults } = await browser.openAs(owner, PATH)
    const rowOf = (table: string, name: string) =>
      page.getByRole('table', { name: table, exact: true }).getByRole('row', { name })
    await page.getByRole('slider', { name: 'Active users by day' }).waitFor()
    await page.getByText('3 users in all').waitFor()
    // Twenty days of six half hours, and the most of all.
    expect(await rowOf('Users', 'ada').textContent()).toMatch(/60 h.*18 ms/)
    expect(await rowOf('Users', 'grace').textContent()).toContain('210 ms')
    expect(await rowOf('Use by app', 'Visual Studio Code').textContent()).toContain('50 h')
    expect(await rowOf('Use by app', 'Notes').textContent()).toMatch(/\d+.*h/)
    expect(await rowOf('Parameters', 'Size').textContent()).toMatch(/large.*1/)

    await page.getByRole('radio', { name: 'Table' }).click()
    const days = page.getByRole('table', { name: 'Active users by day' }).getByRole('row')
    expect(await days.nth(1).textContent()).toContain('until now')
    expect(await days.count()).toBe(31)
    const saving = page.waitForEvent('download')
    await page.getByRole('button', { name: 'CSV: Users' }).click()
    const saved = await readFile(await (await saving).path(), 'utf8')
    expect(saved).toContain('user,seconds,latency_p50_ms,latency_p95_ms\r\nada,216000,18,18\r\n')
    expect(faults).toEqual([])
  })

  it('are of the range and the interval of the address, which the page changes', async () => {
    const { page, faults } = await browser.openAs(owner, PATH)
    await page.getByRole('radio', { name: '12 weeks' }).click()
    await page.getByRole('slider', { name: 'Active users by week' }).waitFor()
    expect(new URL(page.url()).searchParams.get('interval')).toBe('week')
    await page.getByRole('radio', { name: 'Custom' }).click()
    await page.getByLabel('First day').fill('2020-01-01')
    await page.getByLabel('Last day').fill('2020-01-14')
    await page.getByText('There is not enough data yet').waitFor()
    const { searchParams } = new URL(page.url())
    expect(searchParams.get('endDate')).toBe('2020-01-14')
    await page.reload()
    await page.getByText('There is not enough data yet').waitFor()
    expect(await page.getByLabel('Last day').inputValue()).toBe('2020-01-14')
    expect(faults).toEqual([])
  })

  it('are refused to those who may not see them', async () => {
    const { page } = await browser.openAs(await server.user('uninformed'), PATH)
    await page.getByText('template:view_insights').waitFor()
    expect(await page.getByRole('link', { name: 'Insights', exact: true }).count()).toBe(0)
  })

  it('UI-1707, UI-1807: have no flaws', async () => {
    const opened = await browser.openAs(owner, '/')
    const sights = {
      insights: { path: PATH },
      'insights by week': { path: `${PATH}?interval=week` },
      'no insights': { path: `${PATH}?startDate=2020-01-01&endDate=2020-01-07` },
    }
    expect(await flawsOf(opened, server.url, sights)).toEqual([])
  }, 120_000)
})
