import { expect, it } from 'vitest'

import { showsOAuth2 } from './shows-oauth2.ts'

it('UI-302, UI-303: the entries are there with the experiment, and in development builds', () => {
  expect(showsOAuth2(['oauth2'], 'v2.1.0')).toBe(true)
  expect(showsOAuth2([], 'v2.1.0')).toBe(false)
  expect(showsOAuth2([], 'v2.1.0-rc.1')).toBe(false)
  expect(showsOAuth2([], 'v2.1.0-devel+x')).toBe(true)
  expect(showsOAuth2([], 'v0.0.0')).toBe(true)
  expect(showsOAuth2(undefined, undefined)).toBe(false)
})
