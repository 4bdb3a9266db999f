import type { Locator } from 'playwright-core'

/**
 * Waits until `locator` finds nothing any more after a dialog was confirmed.
 *
 * The dialog has to close first: while it is open, nothing behind it has a role, and all would count as gone.
 */
export async function goneAfterDialog(locator: Locator): Promise<void> {
  await locator.page().getByRole('dialog').waitFor({ state: 'detached' })
  await locator.waitFor({ state: 'detached' })
}
