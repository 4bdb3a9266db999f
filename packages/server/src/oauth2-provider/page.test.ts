import { readFile } from 'node:fs/promises'

import fc from 'fast-check'
import { expect, it } from 'vitest'

import { scopeInWords } from '@slipway/contract'
import { covers, PUBLIC_SCOPES } from '../authz/index.ts'
import { PAGE_THEME } from '../edge/index.ts'
import { Html, html } from './html.ts'
import { redirectWith } from './redirect.ts'
import { readScopes } from './scopes.ts'

const TOKEN = /(--[\w-]+): (light-dark\([^)]+\))/g

it('UI-607: the colours of the pages are those of the dashboard', async () => {
  const file = new URL('../../../web/src/theme/tokens.css', import.meta.url)
  const dashboard = await readFile(file, 'utf8')
  const used = [...PAGE_THEME.matchAll(TOKEN)].map(([token]) => token)
  expect(used.length).toBeGreaterThan(20)
  for (const token of used) expect(dashboard).toContain(token)
})

it('OA-B14: every scope that may be asked for has words', () => {
  for (const scope of PUBLIC_SCOPES) expect(scopeInWords(scope), scope).not.toContain(':')
  expect(scopeInWords('no:such')).toBe('no:such')
})

it('OA-B14: scopes that others include stand behind them, and none is left out', () => {
  expect(readScopes([...PUBLIC_SCOPES]).widest).toEqual(['coder:all'])
  expect(readScopes(['api_key:*', 'api_key:read', 'user:read'])).toEqual({
    widest: ['api_key:*', 'user:read'],
    included: ['api_key:read'],
  })
  fc.assert(
    fc.property(fc.subarray([...PUBLIC_SCOPES]), (scopes) => {
      const { widest, included } = readScopes(scopes)
      expect([...widest, ...included].toSorted()).toEqual(scopes.toSorted())
      expect(covers(widest, included)).toBe(true)
      for (const scope of widest)
        expect(
          covers(
            widest.filter((other) => other !== scope),
            [scope],
          ),
        ).toBe(false)
    }),
  )
})

it('values in a page are text, whatever they hold', () => {
  const value = `<b a="1" c='2'>&`
  expect(html`<i title="${value}">${value}${new Html('<br>')}${undefined}</i>`.text).toBe(
    '<i title="&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;">&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;<br></i>',
  )
})

it.each([
  ['https://a.example/cb', 'https://a.example/cb?code=x'],
  ['https://a.example/cb?', 'https://a.example/cb?code=x'],
  ['https://a.example/cb?a=b%20c&d', 'https://a.example/cb?a=b%20c&d&code=x'],
  ['https://a.example/cb?a&', 'https://a.example/cb?a&code=x'],
  ['com.example:/cb', 'com.example:/cb?code=x'],
  ['https://ä.example/ü', 'https://xn--4ca.example/%C3%BC?code=x'],
])('OA-48: an answer is added to %s and changes nothing of it', (uri, expected) => {
  expect(redirectWith(uri, { code: 'x', state: undefined })).toBe(expected)
})
