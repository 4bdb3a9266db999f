import { describe, expect, it } from 'vitest'

import { CATALOG, templateOf } from './catalog/index.ts'
import { escapeMarkdown } from './escape.ts'
import { markdownToHtml, markdownToText } from './markdown.ts'
import { render } from './render.ts'
import { TEMPLATES } from './template-ids.ts'

const plain = (text: string): string => text

describe('OP-130: texts', () => {
  it('take values, what is there, each of a list, and what is missing', () => {
    const view = {
      labels: { name: 'a*b', empty: '' },
      data: { items: [{ path: '/x' }, { path: '/y' }], none: [], count: 0 },
    }
    const text = (template: string, escaped = plain) => render(template, view, escaped)
    expect(text('{{labels.name}} {{labels.other}}.', escapeMarkdown)).toBe('a\\*b .')
    expect(text('{{{labels.name}}}', escapeMarkdown)).toBe('a*b')
    expect(text('{{#data.items}}[{{path}} of {{labels.name}}]{{/data.items}}')).toBe('[/x of a*b][/y of a*b]')
    expect(text('{{#labels.empty}}no{{/labels.empty}}{{^labels.empty}}yes{{/labels.empty}}')).toBe('yes')
    expect(text('{{#data.none}}no{{/data.none}}{{#data.count}}no{{/data.count}}-')).toBe('-')
    expect(text('{{constructor}}{{labels.toString}}')).toBe('')
  })

  it.each(['{{#a}}', '{{/a}}', '{{#a}}{{/b}}'])('%s is a mistake', (template) => {
    expect(() => render(template, {}, plain)).toThrow()
  })

  it('what is put into Markdown is text there', () => {
    for (const value of ['*a* _b_ `c`', '[x](javascript:y)', '<img src=x>', '# a\n\n- b', '\\*', '&amp;'])
      expect(markdownToText(`see ${escapeMarkdown(value)} there`)).toBe(
        `see ${value.replace(/\s+/g, ' ')} there`,
      )
    for (const value of ['- a', '+ a', '7) a', '1. a', '---', '==='])
      expect(markdownToText(escapeMarkdown(value))).toBe(value)
  })

  it('what is put into Markdown becomes no link, so that no name leads astray', () => {
    const value =
      'https://evil.example/x www.evil.example WWW.evil.example eve@evil.example mailto:eve@evil.example'
    const markdown = `**${escapeMarkdown(value)}** of ${escapeMarkdown(value)}`
    expect(markdownToHtml(markdown)).not.toContain('<a ')
    expect(markdownToText(markdown)).toBe(`${value} of ${value}`)
  })

  it('HTML of Markdown runs and fetches nothing', () => {
    const html = markdownToHtml(
      'a <script>x</script> ![p](https://x.example/p.png) [a](javascript:y) [b](https://b.example)\n\n<iframe>',
    )
    expect(html).not.toMatch(/<(script|img|iframe)|javascript:/)
    expect(html).toContain('<a href="https://b.example">b</a>')
  })

  it('plain text keeps lists and where links lead', () => {
    expect(markdownToText('**Bold**:\n\n- one\n- [two](https://x.example)\n\n> said')).toBe(
      'Bold:\n\n- one\n- two (https://x.example)\n\n> said',
    )
  })
})

describe('the catalog', () => {
  it('has one template for each id, and each can be rendered', () => {
    expect(CATALOG.map(({ id }) => id).toSorted()).toEqual(Object.values(TEMPLATES).toSorted())
    for (const template of CATALOG) {
      expect(template.title).not.toContain('\n')
      for (const text of [template.title, template.body, ...template.actions.flatMap(Object.values)])
        expect(() => render(text, { labels: {}, data: {} }, plain)).not.toThrow()
    }
  })

  it('AG-114: says of a budget whose it is and when it begins anew, where it does', () => {
    const labels = {
      username: 'ada',
      threshold: '85',
      limit: '$12.00',
      period: 'month',
      effective_group_name: 'bears',
      organization_name: 'coder',
    }
    const text = (id: string, data: object) => render(templateOf(id)?.body ?? '', { labels, data }, plain)
    const month = { resets: '1 December 2026', own: false }
    expect(text(TEMPLATES.aiBudgetWarning, month)).toBe(
      'You have used **85%** of your AI budget of $12.00 per month. It begins anew on 1 December 2026 (UTC).',
    )
    expect(text(TEMPLATES.aiBudgetLimitReached, month)).toContain(
      'may be refused until it begins anew on 1 December 2026 (UTC), or an administrator raises it.',
    )
    expect(text(TEMPLATES.aiBudgetLimitReachedForAdmins, month)).toContain(
      '**ada** has used up the AI budget of the group **bears** in coder: $12.00 per month.',
    )
    expect(text(TEMPLATES.aiBudgetWarningForAdmins, { own: true })).toBe(
      '**ada** has used **85%** of an AI budget of their own, which counts for the group **bears** in coder: $12.00.',
    )
    expect(text(TEMPLATES.aiBudgetLimitReached, { own: true })).toContain(
      'your AI budget of $12.00. Requests to models may be refused until an administrator raises it.',
    )
  })

  it('the passcode is never in the inbox, and what the chapter marks is off by default', () => {
    expect(CATALOG.filter(({ inbox }) => !inbox).map(({ id }) => id)).toEqual([TEMPLATES.oneTimePasscode])
    expect(CATALOG.filter(({ enabledByDefault }) => !enabledByDefault).map(({ name }) => name)).toEqual([
      'Workspace Created',
      'Workspace Manually Updated',
      'Task Working',
      'Task Idle',
      'Task Completed',
      'Task Failed',
    ])
    expect(templateOf(TEMPLATES.custom.toUpperCase())?.kind).toBe('custom')
  })
})
