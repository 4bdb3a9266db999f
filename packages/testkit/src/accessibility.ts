import type { RunOptions } from 'axe-core'
import type { Page } from 'playwright-core'

/**
 * What axe finds on a page, by these sets of its rules or by all: the rule, and the elements that break it.
 *
 * Axe's own driver opens a further page for each report, and brings along what is right, which takes longer than to look.
 *
 * @throws Error when the page has frames: nobody would look into them.
 */
export async function accessibilityFaults(page: Page, tags?: readonly string[]): Promise<readonly string[]> {
  if (page.frames().length > 1) throw new Error('the page has frames: have axe look into each of them')
  if (!(await page.evaluate<boolean>('self.axe !== undefined'))) {
    // Most files that use this package look at no page, and axe is large.
    const { default: axe } = await import('axe-core')
    await page.evaluate(axe.source)
  }
  const options: RunOptions = {
    ...(tags === undefined ? {} : { runOnly: [...tags] }),
    resultTypes: ['violations'],
    iframes: false,
  }
  return page.evaluate<string[]>(`axe.run(document, ${JSON.stringify(options)}).then(({ violations }) =>
    violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' | ')))`)
}
