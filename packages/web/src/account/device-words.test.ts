import fc from 'fast-check'
import { expect, it } from 'vitest'

import { describeDevice } from './device-words.ts'

it.each([
  [
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
    'Chrome on Linux',
    'browser',
  ],
  [
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0',
    'Edge on Windows',
    'browser',
  ],
  [
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15',
    'Safari on macOS',
    'browser',
  ],
  ['Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0', 'Firefox on Linux', 'browser'],
  [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1',
    'Safari on iPhone',
    'phone',
  ],
  [
    'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36',
    'Chrome on Android',
    'phone',
  ],
  ['coder-cli/0.1.0 (linux/x64; laptop)', 'Command line on Linux', 'program'],
  ['coder-cli/0.1.0 (darwin/arm64; mac)', 'Command line on macOS', 'program'],
  ['curl/8.9.1', 'curl', 'program'],
  ['', 'Unknown program', 'program'],
])('UI-B23: %s', (userAgent, title, kind) => {
  expect(describeDevice(userAgent)).toEqual({ title, kind })
})

it('UI-B23: any text is described, in short', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 500 }), (text) => {
      const { title } = describeDevice(text)
      expect(title.length).toBeGreaterThan(0)
      expect(title.length).toBeLessThan(80)
    }),
  )
})
