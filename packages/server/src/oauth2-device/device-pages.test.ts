import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import type { Client } from '@slipway/client'
import { createOAuth2App, createOAuth2AppSecret, DEVICE_CODE_GRANT } from '@slipway/contract'
import {
  accessibilityFaults,
  openBrowser,
  PASSWORD,
  PHONE,
  startTestServer,
  type TestBrowser,
  type TestServer,
  type WatchedPage,
} from '@slipway/testkit'

const stack = new AsyncDisposableStack()
let server: TestServer
let browser: TestBrowser
let member: Client
let credentials: Record<string, string>

beforeAll(async () => {
  server = stack.use(await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } }))
  browser = stack.use(await openBrowser())
  const owner = await server.owner()
  member = await server.user('member')
  const { id } = await owner.call(createOAuth2App, {
    body: { name: 'television', callback_url: 'https://tv.example/callback', icon: '/icon/database.svg' },
  })
  const { client_secret_full: secret } = await owner.call(createOAuth2AppSecret, { params: { app: id } })
  credentials = { client_id: id, client_secret: secret }
})
afterAll(() => stack.disposeAsync())

async function ask<T>(path: string, form: Record<string, string>): Promise<T> {
  const body = new URLSearchParams({ ...credentials, ...form })
  const answer: unknown = await (await fetch(`${server.url}${path}`, { method: 'POST', body })).json()
  return answer as T
}

const start = () =>
  ask<{ device_code: string; user_code: string; verification_uri_complete: string }>('/oauth2/device', {
    scope: 'workspace:read template:read',
  })
const poll = (device_code: string) =>
  ask<{ error?: string; access_token?: string }>('/oauth2/tokens', {
    grant_type: DEVICE_CODE_GRANT,
    device_code,
  })

async function accessible({ page, faults }: WatchedPage): Promise<void> {
  expect(await accessibilityFaults(page)).toEqual([])
  expect(faults).toEqual([])
}

describe('OA-B12: the device page in a browser', () => {
  it('signs in on the way, asks, and the device has tokens', async () => {
    const { device_code, user_code, verification_uri_complete } = await start()
    const opened = await browser.open()
    const { page } = opened
    await page.goto(verification_uri_complete)
    await page.getByLabel('Email').fill('member@example.com')
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
    await page.keyboard.press('Enter')
    await page.waitForURL(verification_uri_complete)
    expect(await page.getByLabel('Code').inputValue()).toBe(user_code)
    await accessible(opened)
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByRole('heading', { name: 'Authorize television' }).waitFor()
    await page.getByText('See workspaces').waitFor()
    await accessible(opened)
    expect(await poll(device_code)).toMatchObject({ error: 'authorization_pending' })
    await page.getByRole('button', { name: 'Authorize' }).click()
    await page.getByRole('heading', { name: 'Device connected' }).waitFor()
    await accessible(opened)
    expect(await poll(device_code)).toHaveProperty('access_token')
  })

  it('works by keyboard on a phone without scripts, and tells what is wrong with a code', async () => {
    const { device_code, user_code } = await start()
    const opened = await browser.openAs(member, '/oauth2/device', {
      javaScriptEnabled: false,
      viewport: PHONE,
    })
    const { page } = opened
    await page.getByLabel('Code').fill('BBBB-BBBB')
    await page.keyboard.press('Enter')
    await page.getByRole('alert').getByText('No device waits with this code').waitFor()
    await page.getByLabel('Code').fill(user_code.toLowerCase())
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Decline' }).click()
    await page.getByRole('heading', { name: 'Declined' }).waitFor()
    expect(opened.faults).toEqual([])
    expect(await poll(device_code)).toMatchObject({ error: 'access_denied' })
  })
})
