import { expect, it } from 'vitest'

import { within } from './within.ts'

it('gives what comes in time, and nothing for what fails or comes late', async () => {
  expect(await within(60_000, Promise.resolve(7))).toBe(7)
  expect(await within(60_000, Promise.reject(new Error('no')))).toBeUndefined()
  expect(await within(0, new Promise(() => undefined))).toBeUndefined()
})
