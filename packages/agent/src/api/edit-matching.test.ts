import { describe, expect, it } from 'vitest'

import { applyEdit } from './edit-matching.ts'

const edit = (text: string, search: string, replace: string, { all = false, tolerant = true } = {}) =>
  applyEdit('/f', text, { search, replace, all }, { tolerant })

describe('edits', () => {
  it('AC-§6: exact text is replaced once, or everywhere', () => {
    expect(edit('a b c', 'b', '$&')).toBe('a $& c')
    expect(edit('x x', 'x', 'y', { all: true })).toBe('y y')
    expect(() => edit('x x', 'x', 'y')).toThrow('more than once')
    expect(() => edit('abc', 'd', 'y')).toThrow('not there')
  })

  it('CH-11.2: white space at the ends of lines does not matter', () => {
    expect(edit('if x:  \n  y\t\nz\n', 'if x:\n  y\n', 'done\n')).toBe('done\nz\n')
    expect(edit('a\r\nb\r\nc\r\n', 'a\nb\n', 'x\n')).toBe('x\r\nc\r\n')
  })

  it('CH-11.2: another indentation is found, and taken over by the replacement', () => {
    expect(
      edit(
        'def f():\n        x = 1\n        return 1\n',
        '    x = 1\n    return 1',
        '    x = 2\n    return x',
      ),
    ).toBe('def f():\n        x = 2\n        return x\n')
    expect(edit('\tif (a) {\n\t\tb()\n\t}\n', 'if (a) {\n  b()\n}', 'c()')).toBe('\tc()\n')
  })

  it('CH-11.2: what matches in several places is refused, unless all are meant', () => {
    const text = '  a\n b\n\n    a\n b\n'
    expect(() => edit(text, 'a\nb', 'c')).toThrow('more than once')
    expect(edit(text, 'a\nb', 'c', { all: true })).toBe('  c\n\n    c\n')
    expect(() => edit(text, ' \n', 'c')).toThrow('not there')
    expect(() => edit('  a', 'a ', 'c', { tolerant: false })).toThrow('not there')
  })
})
