import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { getHealthSettings } from '@slipway/contract'
import { openBrowser, startTestServer, type TestBrowser, type TestServer, until } from '@slipway/testkit'
import { flawsOf } from './sights.fixture.ts'

const owned = new AsyncDisposableStack()
let server: TestServer
let browser: TestBrowser

beforeAll(async () => {
  server = owned.use(await startTestServer({ env: { CODER_PROVISIONER_DAEMONS: '0' } }))
  browser = owned.use(await openBrowser())
})
afterAll(() => owned.disposeAsync())

describe('UI-1407: the health of the deployment', () => {
  it('T-48: a section is muted, stays visible, and is restored', async () => {
    const owner = await server.owner()
    const { page } = await browser.openAs(owner, '/health')
    await page.getByRole('link', { name: /Provisioner daemons/ }).click()
    await page.getByText('No active provisioner daemons found!').waitFor()
    await page.getByRole('button', { name: 'Mute warnings' }).click()
    await page.getByText('Muted', { exact: true }).waitFor()
    expect((await owner.call(getHealthSettings)).dismissed_healthchecks).toEqual(['ProvisionerDaemons'])
    expect(await page.getByRole('link', { name: /Provisioner daemons/ }).textContent()).toContain('Error')
    const forced = page.waitForRequest((request) => request.url().includes('force=true'))
    await page.getByRole('button', { name: 'Run again' }).click()
    await forced
    await page.getByRole('button', { name: 'Unmute warnings' }).click()
    await until('it is restored', async () =>
      (await owner.call(getHealthSettings)).dismissed_healthchecks.length === 0 ? true : undefined,
    )
  })

  it('is refused to those who may not read debug info', async () => {
    const { page } = await browser.openAs(await server.user('reader'), '/health/database')
    await page.getByText('debug_info:read').waitFor()
    expect(await page.getByRole('link', { name: 'Health', exact: true }).count()).toBe(0)
  })

  it('UI-1707, UI-1807: has no flaws', async () => {
    const sections = ['access-url', 'database', 'derp', 'provisioner-daemons', 'ai-gateway']
    const sights = Object.fromEntries(sections.map((name) => [name, { path: `/health/${name}` }]))
    const opened = await browser.openAs(await server.owner(), '/')
    expect(await flawsOf(opened, server.url, sights)).toEqual([])
  }, 120_000)
})
