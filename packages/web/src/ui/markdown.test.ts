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
