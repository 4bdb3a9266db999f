import { type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { onTestFinished, TestRunner } from 'vitest'

import type { Client } from '@slipway/client'

/** Without these Chromium looks for updates and rivals on the network. */
const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** A page and what went wrong in it: errors of the console and of scripts, lost requests, breaches of the content policy. */
export interface WatchedPage {
  readonly page: Page
  readonly faults: readonly string[]
}

/** A Chromium that tests drive. */
export interface TestBrowser extends AsyncDisposable {
  /**
   * A page in a profile of its own, open until its test has ended, 1440 pixels wide unless it is said. Profiles are used
   * again by later tests, without all that is stored in them: what scripts the browser has read and compiled already it
   * need not read for each test.
   */
  open(options?: BrowserContextOptions): Promise<WatchedPage>
  /** The same, with the session of this client and at this address of its server. */
  openAs(client: Client, path: string, options?: BrowserContextOptions): Promise<WatchedPage>
}

/** Sizes that pages are looked at in. */
export const DESKTOP = { width: 1440, height: 900 }
export const PHONE = { width: 390, height: 844 }

/**
 * Starts the Chromium that `npm test` found or installed.
 *
 * @throws Error saying what to do when there is none.
 */
export async function openBrowser(): Promise<TestBrowser> {
  const executablePath = process.env.SLIPWAY_CHROMIUM ?? ''
  if (executablePath === '')
    throw new Error(
      'There is no Chromium, so the browser tests cannot run: run them with `npm test`, which installs it, or name one with SLIPWAY_CHROMIUM.',
    )
  const browser = await chromium.launch({ executablePath, args: FLAGS })
  /** Profiles that nobody uses, by what they were made with. */
  const idle = new Map<string, BrowserContext[]>()
  const profile = async (options: BrowserContextOptions): Promise<BrowserContext> => {
    const made = JSON.stringify(options)
    const known = idle.get(made)?.pop()
    // Requests that a service worker makes pass by what tests put in their way: those that want one allow it.
    const context = known ?? (await browser.newContext({ serviceWorkers: 'block', ...options }))
    // Sooner than a test times out, so that the failure names what was waited for.
    context.setDefaultTimeout(15_000)
    if (TestRunner.getCurrentTest() !== undefined)
      onTestFinished(async () => {
        if (context.isClosed()) return
        if (options.serviceWorkers === 'allow') await context.close()
        else {
          await forget(context)
          idle.set(made, [...(idle.get(made) ?? []), context])
        }
      })
    return context
  }
  const open = async (options: BrowserContextOptions = {}): Promise<WatchedPage> => {
    // These are of a page, so that pages of all sizes share a profile.
    const { viewport = DESKTOP, colorScheme = null, ...lasting } = options
    const context = await profile(lasting)
    const page = await context.newPage()
    if (viewport !== null) await page.setViewportSize(viewport)
    await page.emulateMedia({ colorScheme })
    const faults: string[] = []
    page.on('pageerror', (error) => faults.push(error.message))
    page.on('requestfailed', (request) => {
      const cause = request.failure()?.errorText ?? ''
      // Whoever leaves a page gives up what it still asks for.
      if (cause !== 'net::ERR_ABORTED') faults.push(`${request.method()} ${request.url()}: ${cause}`)
    })
    page.on('console', (message) => {
      // The browser reports every refused request so, and the tests provoke some.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
        faults.push(message.text())
    })
    return { page, faults }
  }
  return {
    open,
    async openAs(client, path, options) {
      const opened = await open(options)
      const value = client.headers['Coder-Session-Token'] ?? ''
      await opened.page.context().addCookies([{ name: 'coder_session_token', value, url: client.url }])
      await opened.page.goto(client.url + path)
      return opened
    },
    [Symbol.asyncDispose]: () => browser.close(),
  }
}

/** Leaves a profile as a new one, but for what the browser keeps of files. */
async function forget(context: BrowserContext): Promise<void> {
  // A page goes on asking its server, and drawing, as long as it is open.
  await Promise.all(context.pages().map((page) => page.close()))
  await context.unrouteAll()
  await context.setOffline(false)
  await context.clearPermissions()
  await context.setStorageState({ cookies: [], origins: [] })
}
