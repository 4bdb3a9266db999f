import { describe, expect, it } from 'vitest'

import { plainOutput, storable } from '../storable.ts'
import { withoutAmpersand } from './processes.ts'
import { isInside } from './skills.ts'

describe('CH-11.2', () => {
  it.each([
    ['server &', 'server'],
    ['a && b', 'a && b'],
    ['a &&', 'a &&'],
    ['a |&', 'a |&'],
    ['echo \\&', 'echo \\&'],
    ['a & b &  ', 'a & b'],
    ['&', ''],
    ['echo x >&', 'echo x >&'],
  ])('%s runs as %s', (command, expected) => {
    expect(withoutAmpersand(command)).toBe(expected)
  })

  it('what a terminal would obey is taken out of output', () => {
    expect(
      plainOutput('\u001b[1;31mred\u001b[0m \u001b]8;;http://x\u001b\\link\u001b]8;;\u0007 \u001b(B'),
    ).toEqual({
      text: 'red link ',
      wasChanged: true,
    })
    expect(plainOutput('10%\r50%\r100%\ndone\r\n').text).toBe('100%\ndone\n')
    expect(plainOutput('tab\tand line\n')).toEqual({ text: 'tab\tand line\n', wasChanged: false })
  })

  it('hostile output takes no more than linear time', () => {
    const began = performance.now()
    for (const piece of ['x', '\r', '\u001b[', '\u001b]', ' \r', 'sh: '])
      plainOutput(piece.repeat(Math.ceil(4_000_000 / piece.length)))
    expect(performance.now() - began).toBeLessThan(10_000)
    expect(plainOutput('a\r\r\nb\r').text).toBe('a\nb\r')
    expect(plainOutput('\r').text).toBe('\r')
  })

  it('what no column can hold is replaced, and nesting ends', () => {
    expect(storable({ 'a\0': ['\ud800', undefined, Number.NaN, 1n] })).toEqual({
      'a\uFFFD': ['\uFFFD', null, null, null],
    })
    let deep: unknown = 1
    for (let i = 0; i < 200; i += 1) deep = [deep]
    expect(JSON.stringify(storable(deep)).length).toBeLessThan(300)
  })

  it('paths of skills stay within their folder', () => {
    for (const path of ['a.md', 'refs/b.txt']) expect(isInside(path)).toBe(true)
    for (const path of ['/etc/passwd', '../x', 'a/../b', '.git/config', 'a//b', ''])
      expect(isInside(path)).toBe(false)
  })
})
