import { describe, expect, it } from 'vitest'

import { splitAnswer } from './split-answer.ts'

const PARAGRAPH = `${'A workspace waits for its agent. '.repeat(20)}\n\n`

describe('UI-1905: long answers are several rows', () => {
  it('loses nothing, and leaves short ones alone', () => {
    const long = PARAGRAPH.repeat(80)
    const pieces = splitAnswer(long)
    expect(pieces.length).toBeGreaterThan(4)
    expect(pieces.join('')).toBe(long)
    expect(splitAnswer(PARAGRAPH)).toEqual([PARAGRAPH])
    expect(splitAnswer(long)).toBe(pieces)
  })

  it('cuts neither code nor lists, and nothing that others refer to', () => {
    const code = `\`\`\`\n${'line\n\nLine\n'.repeat(3000)}\`\`\`\n`
    expect(splitAnswer(code)).toEqual([code])
    const list = '- point\n\n  more of it\n\n'.repeat(1000)
    expect(splitAnswer(list)).toEqual([list])
    const referred = `${PARAGRAPH.repeat(80)}\n[home]: https://example.com\n`
    expect(splitAnswer(referred)).toEqual([referred])
  })
})
