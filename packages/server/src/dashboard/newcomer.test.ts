import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'

import {
  openBrowser,
  PASSWORD,
  startTestServer,
  type TestBrowser,
  type TestServer,
  until,
} from '@slipway/testkit'

let server: TestServer
let browser: TestBrowser

beforeAll(async () => {
  server = await startTestServer({ env: { CODER_DANGEROUS_DISABLE_RATE_LIMITS: 'true' } })
  browser = await openBrowser()
})
afterAll(async () => {
  await browser[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

/** Everything that terminals of this page have received. */
function terminalOutput(page: Page): () => string {
  let output = ''
  page.on('websocket', (socket) => {
    if (!socket.url().includes('/pty?')) return
    socket.on('framereceived', ({ payload }) => {
      output += payload.toString()
    })
  })
  return () => output
}

it('UI-401: a newcomer makes the first account, a workspace, and works in its terminal', async () => {
  const { page, faults } = await browser.open()
  await page.goto(server.url)
  await page.getByLabel('Email').fill('owner@example.com')
  await page.getByLabel('Username').fill('owner')
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await page.getByRole('button', { name: 'Create account' }).click()
  // A model provider is offered, and may wait (issue 5).
  await page.getByRole('button', { name: 'Not now' }).click()
  await page.getByRole('heading', { name: 'Templates' }).waitFor()
  await page.getByRole('link', { name: 'Workspaces' }).click()
  await page.getByText('No workspaces yet').waitFor()

  await page.getByRole('link', { name: 'Create workspace from Local workspace' }).click()
  await page.getByLabel('Name', { exact: true }).fill('first')
  await page.getByRole('button', { name: 'Create workspace' }).click()
  await page.getByRole('heading', { name: 'first' }).waitFor()
  await page.getByRole('region', { name: 'Agent main' }).getByText('Connected').waitFor({ timeout: 30_000 })

  await page.goto(`${server.url}/@owner/first/builds/1`)
  await page.getByText('Workspace first is started').waitFor()

  const output = terminalOutput(page)
  await page.goto(`${server.url}/@owner/first/terminal`)
  await until('a prompt', () => output().includes('$'))
  await page.keyboard.type('echo answer-$((6*7))\n')
  await until('the answer', () => output().includes('answer-42'))
  const address = page.url()
  await page.reload()
  const again = terminalOutput(page)
  await page.goto(address)
  await until('the scrollback of the same shell', () => again().includes('answer-42'))
  expect(faults).toEqual([])
})

it('UI-501: stop and start are asked for once and shown as they happen', async () => {
  const { page, faults } = await signedIn()
  await page.goto(`${server.url}/@owner/first`)
  await page.getByRole('button', { name: 'Stop' }).click()
  await page.getByRole('dialog').getByRole('button', { name: /^Stop/ }).click()
  await page.getByText('Stopped', { exact: true }).first().waitFor()
  await page.getByRole('button', { name: 'Start', exact: true }).first().click()
  await page.getByRole('region', { name: 'Agent main' }).getByText('Connected').waitFor({ timeout: 30_000 })
  expect(faults).toEqual([])
})

it('tokens are made, shown once and deleted', async () => {
  const { page, faults } = await signedIn()
  await page.goto(`${server.url}/settings/tokens/new`)
  await page.getByLabel('Name', { exact: true }).fill('nightly')
  await page.getByRole('button', { name: 'Create token' }).click()
  await page.getByText('Copy it now').waitFor()
  await page.goto(`${server.url}/settings/tokens`)
  await page.getByRole('button', { name: 'Actions for nightly' }).click()
  await page.getByRole('menuitem', { name: 'Delete' }).click()
  await page.getByRole('button', { name: 'Delete token' }).click()
  await page.getByText('nightly').first().waitFor({ state: 'detached' })
  expect(faults).toEqual([])
})

async function signedIn(options = {}) {
  const opened = await browser.open(options)
  await opened.page.goto(`${server.url}/login`)
  await opened.page.getByLabel('Email').fill('owner@example.com')
  await opened.page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await opened.page.getByRole('button', { name: 'Sign in' }).click()
  await opened.page.getByRole('heading', { name: 'Workspaces' }).waitFor()
  return opened
}
