import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

import { AxeBuilder } from '@axe-core/playwright'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { DESKTOP, openBrowser, PASSWORD, PHONE, type TestBrowser, type WatchedPage } from '@slipway/testkit'
import { OAuthDeployment, pkce, search, type TestApp } from './deployment.fixture.ts'

let deployment: OAuthDeployment
let browser: TestBrowser
let callback: Server
let callbackUrl: string
let app: TestApp
let stranger: TestApp

beforeAll(async () => {
  deployment = await OAuthDeployment.start()
  browser = await openBrowser()
  callback = createServer((_request, response) => response.end('the app has its answer'))
  await new Promise<void>((resolve) => callback.listen(0, '127.0.0.1', resolve))
  callbackUrl = `http://127.0.0.1:${(callback.address() as AddressInfo).port}/cb`
  app = await deployment.app({ name: 'Pine-Reports', callback_url: callbackUrl, icon: '/icon/database.svg' })
  stranger = await deployment.publicClient({
    client_name: 'Totally Official Client',
    redirect_uris: [callbackUrl],
  })
})
afterAll(async () => {
  await browser[Symbol.asyncDispose]()
  await new Promise((resolve) => callback.close(resolve))
  await deployment[Symbol.asyncDispose]()
})

const SCOPES = 'coder:workspaces.access template:read user:read_personal api_key:*'

function address(of: TestApp, params: Record<string, string> = {}): string {
  const query = search({
    response_type: 'code',
    client_id: of.id,
    code_challenge: pkce().challenge,
    state: 'st',
    scope: SCOPES,
    ...params,
  })
  return deployment.url(`/oauth2/authorize?${query}`)
}

/** Opens an address signed out, signs in on the way and comes back to it. */
async function arrive(
  target: string,
  options: Parameters<TestBrowser['open']>[0] = {},
): Promise<WatchedPage> {
  const opened = await browser.open(options)
  await opened.page.goto(target)
  await opened.page.getByLabel('Email').fill('member@example.com')
  await opened.page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await opened.page.keyboard.press('Enter')
  await opened.page.waitForURL(target)
  return opened
}

/** Where a page begins, and how it writes. */
async function look(page: Page): Promise<object> {
  const heading = page.getByRole('heading', { level: 1 })
  const type = await heading.evaluate((element) => {
    const style = element.ownerDocument.defaultView?.getComputedStyle(element)
    const { fontSize, fontWeight, letterSpacing, lineHeight, color } = style ?? {}
    return { font: style?.fontFamily.split(',')[0], fontSize, fontWeight, letterSpacing, lineHeight, color }
  })
  return { ...type, mark: await page.locator('svg').first().boundingBox() }
}

describe('the consent page in a browser', () => {
  it('row 17, row 19: signs in, authorizes, and the app has a code that is good', async () => {
    const { page, faults } = await arrive(address(app))
    await page.getByRole('heading', { name: 'Authorize Pine-Reports' }).waitFor()
    expect(await page.locator(':focus').textContent()).toBe('Cancel')
    // UI-607: it stands where the pages of the dashboard beside it do, in the same type.
    const consent = await look(page)
    await page.goto(deployment.url('/cli-auth'))
    await page.getByRole('heading', { name: 'Sign in to the command line' }).waitFor()
    expect(consent).toEqual(await look(page))
    await page.goBack()
    await page.getByRole('button', { name: 'Authorize' }).click()
    await page.getByText('the app has its answer').waitFor()
    const { searchParams } = new URL(page.url())
    expect(searchParams.get('state')).toBe('st')
    expect(searchParams.get('iss')).toBe(deployment.server.url)
    expect(searchParams.get('code')).toMatch(/^coder_/)
    expect(faults).toEqual([])
  })

  it('OA-B14: who asks for everything asks for one thing, and the rest is folded behind it', async () => {
    const { page } = await arrive(address(app, { scope: 'coder:all template:read api_key:*' }))
    const access = page.getByRole('region', { name: 'Pine-Reports will be able to' })
    await access.getByText('coder:all').waitFor()
    const narrow = access.getByText('template:read')
    expect([await access.getByRole('listitem').count(), await narrow.isVisible()]).toEqual([1, false])
    await access.getByText('With all that this includes (2)').press('Enter')
    expect(await narrow.isVisible()).toBe(true)
  })

  it('OA-B14: refusing and cancelling tell the app, without scripts too', async () => {
    for (const [role, name] of [
      ['button', 'Refuse it for the record'],
      ['link', 'Cancel'],
    ] as const) {
      const { page, faults } = await arrive(address(app))
      await page.getByRole(role, { name }).click()
      await page.getByText('the app has its answer').waitFor()
      expect(new URL(page.url()).searchParams.get('error')).toBe('access_denied')
      expect(faults).toEqual([])
    }
  })

  it('UI-608: somebody else signs in and is asked', async () => {
    const target = address(app)
    const { page } = await arrive(target)
    await page.getByRole('button', { name: 'Sign in as somebody else' }).click()
    await page.getByLabel('Email').fill('owner@example.com')
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
    await page.keyboard.press('Enter')
    await page.waitForURL(target)
    await page.getByText('owner@example.com').waitFor()
  })

  it('clickjacking: another site cannot frame it', async () => {
    const { page } = await arrive(address(app))
    await page.goto(callbackUrl)
    await page.setContent(`<iframe src="${address(app)}"></iframe>`)
    await page.waitForLoadState('networkidle')
    const frame = page.frames()[1]
    expect(await frame?.content()).not.toContain('Pine-Reports')
  })

  for (const [theme, viewport] of [
    ['light', DESKTOP],
    ['dark', DESKTOP],
    ['light', PHONE],
    ['dark', PHONE],
  ] as const)
    it(`has no accessibility fault and no sideways scrolling (${theme}, ${viewport.width} px)`, async () => {
      const { page, faults } = await arrive(
        address(stranger, { resource: 'https://dev.example/api/experimental/mcp/http' }),
        {
          colorScheme: theme,
          viewport,
        },
      )
      const pages = {
        stranger: page.url(),
        app: address(app, { scope: '' }),
        everything: address(app, { scope: 'coder:all template:read api_key:*' }),
        faulty: address(app, { redirect_uri: 'https://evil.example', code_challenge: 'x' }),
        unknown: address({ ...app, id: '00000000-0000-4000-8000-000000000000' }),
      }
      for (const [name, url] of Object.entries(pages)) {
        await page.goto(url)
        await page.getByRole('main').waitFor()
        const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa']).analyze()
        expect(
          violations.map(({ id }) => id),
          name,
        ).toEqual([])
        const width = await page.locator('html').evaluate((html) => html.scrollWidth)
        expect(width, name).toBeLessThanOrEqual(viewport.width)
      }
      expect(faults.filter((fault) => !/status of 40\d/.test(fault))).toEqual([])
    }, 60_000)
})
