import { describe, expect, it } from 'vitest'

import { outcomeOfMcp } from './external.ts'
import { readTools } from './workspace-mcp.ts'

describe('what servers say', () => {
  it('L-42: an image has a type that models are shown, and is not told with a text without end', () => {
    const image = { type: 'image', data: 'aGk=', mimeType: 'image/png' }
    const text = { type: 'text', text: 'x'.repeat(1_000_000) }
    const shown = outcomeOfMcp({ isError: false, content: [text, image], structuredContent: undefined })
    expect(shown).toMatchObject({ isMedia: true, result: { media_type: 'image/png' } })
    expect(JSON.stringify(shown).length).toBeLessThan(40_000)
    const page = { ...image, mimeType: 'text/html' }
    expect(outcomeOfMcp({ isError: false, content: [page], structuredContent: undefined })).toEqual({
      result: { output: '' },
    })
  })

  it('CH-1403: tools of a workspace are called as servers of it are, and no longer than prompts can bear', () => {
    const input_schema = { type: 'object' }
    const tool = (name: string, more: object = {}) => ({ name, description: 'd', input_schema, ...more })
    expect(
      readTools([
        tool('a__b', { description: 'x'.repeat(100_000) }),
        tool('web_search'),
        tool('__x'),
        tool(`a__${'b'.repeat(64)}`),
        tool('a__long', { input_schema: { description: 'x'.repeat(100_000) } }),
        tool('a__list', { input_schema: [] }),
        tool('a__none', { input_schema: null }),
        null,
      ]).map(({ name, description }) => [name, description.length]),
    ).toEqual([['a__b', 4_096]])
    const large = (name: string) => tool(name, { input_schema: { description: 'x'.repeat(60_000) } })
    expect(readTools(Array.from({ length: 50 }, (_, i) => large(`a__${i}`)))).toHaveLength(4)
  })
})
