import axe from 'axe-core'
import { errors, type Page } from 'playwright-core'

import { DESKTOP, type WatchedPage } from '@slipway/testkit'

declare global {
  interface Window {
    readonly axe?: typeof axe
    shift?: number
  }
}

/** A page, and what stands open on it when it is looked at. */
export interface Sight {
  readonly path: string
  readonly open?: (page: Page) => Promise<void>
}

const TABLET = { width: 1024, height: 768 }
/** The narrowest that has to do (UI-1707). */
const NARROW = { width: 320, height: 700 }
/** An address of no page: what is seen after it is not what was seen before. */
const NOWHERE = '/between/two/sights'
/** How long to wait for a page of the dashboard before it is loaded instead, in milliseconds. */
const PATIENCE_MS = 3_000

/**
 * What is wrong with pages, with the name of each: faults that axe finds (UI-1807), in the dark on a desk and in the light
 * where it is narrow, and sideways scrolling at three widths (UI-1707).
 *
 * The first is loaded, the others are reached within the dashboard where that can be: to load it, and axe, takes most of
 * the work otherwise.
 */
export async function flawsOf(
  { page, faults }: WatchedPage,
  base: string,
  sights: Readonly<Record<string, Sight>>,
): Promise<readonly string[]> {
  const flaws: string[] = []
  let within = false
  for (const [name, { path, open }] of Object.entries(sights)) {
    const look = async (colorScheme: 'dark' | 'light', size: typeof DESKTOP) => {
      await page.setViewportSize(size)
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      await painted(page)
    }
    const note = (found: readonly string[], at: string) =>
      flaws.push(...found.map((flaw) => `${name} (${at}): ${flaw}`))
    await look('dark', DESKTOP)
    const way: Way = within ? await goWithin(page, path) : 'held'
    if (way !== 'there') await page.goto(base + path)
    // Where there is no way within, as for who is not signed in, nobody waits for it again.
    within = way !== 'lost'
    await settled(page)
    await open?.(page)
    if (!(await page.evaluate(() => window.axe !== undefined))) await page.evaluate(axe.source)
    note([...(await violations(page)), ...(await overflow(page))], 'dark, 1440 px')
    await look('light', TABLET)
    note(await overflow(page), '1024 px')
    await look('light', NARROW)
    note([...(await violations(page)), ...(await overflow(page))], 'light, 320 px')
  }
  return [...flaws, ...faults]
}

/**
 * How far parts of a page move while it loads, as browsers count it (UI-1902), where the answer for one above comes when
 * that for one below is shown.
 */
export async function shiftOf(page: Page, url: string, above: string, below: string): Promise<number> {
  await page.addInitScript(() => {
    window.shift = 0
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries())
        if ('value' in entry && typeof entry.value === 'number')
          window.shift = (window.shift ?? 0) + entry.value
    }).observe({ type: 'layout-shift', buffered: true })
  })
  const later = page.waitForResponse(below)
  const last = page.waitForResponse(above)
  await page.route(above, async (route) => {
    await later
    await painted(page)
    await painted(page)
    await route.continue()
  })
  await Promise.all([page.goto(url), later, last])
  await settled(page)
  await painted(page)
  return page.evaluate(() => window.shift ?? 0)
}

/** What came of a way to a page within the dashboard. */
type Way = 'there' | 'held' | 'lost'

/**
 * Goes to a page as a link of the dashboard does, by way of none: `held` where a form or a dialog stays open, `lost` where
 * one of the two does not show.
 */
async function goWithin(page: Page, path: string): Promise<Way> {
  try {
    await page.evaluate((to) => history.pushState(null, '', to), NOWHERE)
    const shown = await page.waitForFunction(
      (nowhere) => {
        const text = document.body.textContent
        if (text.includes('Leave without saving?')) return { heading: null }
        const open = document.querySelector('dialog[open], [role=dialog], [role=alertdialog], [role=menu]')
        const heading = document.querySelector('h1')?.textContent ?? null
        if (heading === null || !text.includes(nowhere)) return undefined
        return { heading: open === null ? heading : null }
      },
      NOWHERE,
      { timeout: PATIENCE_MS },
    )
    const nowhere = (await shown.jsonValue())?.heading ?? null
    if (nowhere === null) return 'held'
    await page.evaluate((to) => history.pushState(null, '', to), path)
    await page.waitForFunction(
      (before) => (document.querySelector('h1')?.textContent ?? before) !== before,
      nowhere,
      { timeout: PATIENCE_MS },
    )
    return 'there'
  } catch (error) {
    if (error instanceof errors.TimeoutError) return 'lost'
    throw error
  }
}

/** Until the page has its heading and nothing on it is still on its way. */
const settled = (page: Page) =>
  page.waitForFunction(
    () =>
      document.querySelector('h1') !== null && document.querySelector('.skeleton, [aria-busy=true]') === null,
  )

const painted = (page: Page) =>
  page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))))

/** Not by way of axe's own driver: that one looks for frames and opens a page for each report, which takes far longer. */
const violations = (page: Page): Promise<string[]> =>
  page.evaluate(async () => {
    const report = await window.axe?.run(document, {
      runOnly: ['wcag2a', 'wcag2aa'],
      resultTypes: ['violations'],
      iframes: false,
    })
    if (report === undefined) throw new Error('axe is gone: the page was loaded again')
    return report.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`)
  })

const overflow = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement
    return scrollWidth > clientWidth ? [`scrolls sideways: ${scrollWidth} px in ${clientWidth} px`] : []
  })
