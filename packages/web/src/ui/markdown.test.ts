import { createElement } from 'react'
import { renderToStaticMarkup } from 'react-dom/server'
import { expect, it } from 'vitest'

import { Markdown } from './markdown.tsx'

const html = (text: string) => renderToStaticMarkup(createElement(Markdown, { text }))

it('UI-2003: raw HTML shows as text, and links lead to the web only', () => {
  expect(html('<img src=x onerror=alert(1)>')).not.toContain('<img')
  expect(html('[x](javascript:alert(1))')).not.toContain('href')
  expect(html('[x](https://example.com)')).toContain('rel="noopener noreferrer"')
})

it('UI-2003: a task is one box and its text', () => {
  const list = html('- [x] Tests\n- [ ] Docs')
  expect(list.match(/type="checkbox"/g)).toHaveLength(2)
  expect(list).not.toContain('[x]')
  expect(list).toContain('Tests')
})

it('UI-2003: columns of a table are aligned as their author says', () => {
  expect(html('| Size | Cores |\n| --- | ---: |\n| Small | 2 |')).toMatch(
    /<td class="[^"]*text-right[^"]*">2</,
  )
})

const PIXEL = 'data:image/png;base64,iVBORw0KGgo='

it.each([
  ['an icon of ours', '/icon/docker.svg', true],
  ['a file of a chat', '/api/experimental/chats/files/0b3f1c1e-0000-4000-8000-000000000000', true],
  ['an inlined one', PIXEL, true],
  ['another host', 'https://tracker.example/pixel.png', false],
  ['another host without a scheme', '//tracker.example/pixel.png', false],
  ['a backslash', '/\\tracker.example/pixel.png', false],
  ['a tab, which browsers leave out', '/\t/tracker.example/pixel.png', false],
  ["an app of a stranger's workspace", '/@mallory/box/apps/log?said=secret', false],
  ['the same by way of a folder', '/icon/../@mallory/box/apps/log', false],
  ['the same, written otherwise', '/icon/%2e%2e/@mallory/box/apps/log', false],
  ['a route of the API', '/api/v2/users/logout', false],
  ['a script', 'javascript:alert(1)', false],
  ['a drawing with scripts', 'data:image/svg+xml;base64,PHN2Zz4=', false],
])('UI-2006: an image loads by itself only when it is ours: %s', (_, source, loads) => {
  expect(html(`![x](<${source}>)`).includes('<img')).toBe(loads)
})

it.each([
  ['quotes', '> '.repeat(5000)],
  ['lists', '- '.repeat(3000)],
  ['emphasis', '**'.repeat(3000)],
  ['lists by indentation', Array.from({ length: 900 }, (_, depth) => `${' '.repeat(depth)}- x`).join('\n')],
  ['marks that may open or close', '_a'.repeat(20_000)],
])('UI-2003: what would stop the parser shows as the text that it is: %s', (_, text) => {
  const from = performance.now()
  expect(html(`${text}the end`)).toContain('the end')
  expect(performance.now() - from).toBeLessThan(2000)
})

it('UI-2003: a long piece of code is still code', () => {
  expect(html(`\`\`\`py\n${'some_long_name = other_name\n'.repeat(3000)}\`\`\``)).toContain('<pre')
})
