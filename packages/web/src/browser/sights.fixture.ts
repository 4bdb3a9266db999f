import axe from 'axe-core'
import type { Page } from 'playwright-core'

import { DESKTOP, type WatchedPage } from '@slipway/testkit'

declare global {
  interface Window {
    readonly axe: typeof axe
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

/**
 * What is wrong with pages, with the name of each: faults that axe finds (UI-1807), in the dark on a desk and in the light
 * where it is narrow, and sideways scrolling at three widths (UI-1707). Each is loaded once.
 */
export async function flawsOf(
  { page, faults }: WatchedPage,
  base: string,
  sights: Readonly<Record<string, Sight>>,
): Promise<readonly string[]> {
  const flaws: string[] = []
  for (const [name, { path, open }] of Object.entries(sights)) {
    const look = async (colorScheme: 'dark' | 'light', size: typeof DESKTOP) => {
      await page.setViewportSize(size)
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
      await painted(page)
    }
    const note = (found: readonly string[], at: string) =>
      flaws.push(...found.map((flaw) => `${name} (${at}): ${flaw}`))
    await look('dark', DESKTOP)
    await page.goto(base + path)
    await settled(page)
    await open?.(page)
    await page.evaluate(axe.source)
    note([...(await violations(page)), ...(await overflow(page))], 'dark, 1440 px')
    await look('light', TABLET)
    note(await overflow(page), '1024 px')
    await look('light', NARROW)
    note([...(await violations(page)), ...(await overflow(page))], 'light, 320 px')
  }
  return [...flaws, ...faults]
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
    const { violations: found } = await window.axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa'],
      resultTypes: ['violations'],
      iframes: false,
    })
    return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`)
  })

const overflow = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement
    return scrollWidth > clientWidth ? [`scrolls sideways: ${scrollWidth} px in ${clientWidth} px`] : []
  })
