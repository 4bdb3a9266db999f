import { describe, expect, it } from 'vitest'

import { dispositionOf, fileNameOf, safeName } from './file-name.ts'
import { agrees, detectType } from './media-type.ts'

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')
const PNG = bytes('\x89PNG\r\n\x1a\n\0\0\0\rIHDR')

describe('CH-441: what a file is', () => {
  it.each([
    ['image/png', PNG, 'x.txt'],
    ['image/jpeg', bytes('\xff\xd8\xff\xe0\0\x10JFIF'), 'x'],
    ['image/gif', bytes('GIF89a\x01\0'), 'x.html'],
    ['image/gif', bytes('GIF87a\x01\0'), 'x'],
    ['image/webp', bytes('RIFF\x24\0\0\0WEBPVP8 '), 'x'],
    ['application/octet-stream', bytes('RIFF\x24\0\0\0WAVEfmt '), 'x.webp'],
    ['application/pdf', bytes('%PDF-1.7\n%\xe2\xe3'), 'x.png'],
    ['application/octet-stream', bytes('PK\x03\x04'), 'x.txt'],
    ['application/octet-stream', bytes('\x7fELF\x02\x01'), 'x.txt'],
    ['application/octet-stream', bytes('a\xff\xfe'), 'x.txt'],
    ['application/octet-stream', bytes('\xff\xfea\0b\0'), 'x.txt'],
    ['application/octet-stream', Buffer.from([0xed, 0xa0, 0x80]), 'x.txt'],
    ['text/plain', Buffer.from('\ufeffGrüße\t\x1b[1m\r\n\f'), 'notes'],
    ['text/plain', Buffer.from('<!DOCTYPE html><html><script>1</script>'), 'x.html'],
    ['text/plain', Buffer.from('<?xml version="1.0"?><feed/>'), 'x.xml'],
    ['text/plain', Buffer.from('x < svg'), 'x'],
    ['text/plain', Buffer.from('export const svg = "<svg/>"'), 'x.ts'],
    ['text/markdown', Buffer.from('# Title'), 'README.MD'],
    ['text/markdown', Buffer.from('# Title'), 'a.markdown'],
    ['text/csv', Buffer.from('a,b'), 'a.csv'],
    ['application/json', Buffer.from('{"a": [1]}'), 'a.json'],
    ['text/plain', Buffer.from('{"a": [1]'), 'a.json'],
    ['text/plain', Buffer.from('{"a": [1]}'), 'a.txt'],
  ] as const)('%s', (type, data, name) => {
    expect(detectType(data, name)).toBe(type)
  })

  it.each([
    '<svg xmlns="http://www.w3.org/2000/svg"/>',
    '\ufeff \n<SVG>',
    '<?xml version="1.0"?>\n<!-- <html> --><?x y?><svg>',
    '<s:svg xmlns:s="http://www.w3.org/2000/svg">',
    '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://x"><svg>',
    '<!doctype x [<!ENTITY a "]><x>"> <!-- ]> --> <!ELEMENT b (c)>]>\n<svg/>',
    '<!DOCTYPE svg [',
    '<svg',
    '<svg\n\tonload="alert(1)">',
  ])('an SVG, however it is written: %s', (text) => {
    for (const name of ['x.png', 'x.txt', 'x.json', 'x.md'])
      expect(detectType(Buffer.from(text), name)).toBe('image/svg+xml')
  })

  it('of ten mebibytes is found in no time', () => {
    const size = 10 * 1024 * 1024
    const started = performance.now()
    for (const text of [
      '<!-- '.repeat(size / 5),
      `<!DOCTYPE x [${'<'.repeat(size)}`,
      '<?'.repeat(size / 2),
      ' '.repeat(size),
    ])
      detectType(Buffer.from(text), 'x.md')
    expect(performance.now() - started).toBeLessThan(10_000)
  })

  it('agrees with what it is called', () => {
    expect(agrees('image/png', 'image/png')).toBe(true)
    expect(agrees('Text/CSV; charset=utf-8', 'text/csv')).toBe(true)
    expect(agrees('application/octet-stream', 'application/pdf')).toBe(true)
    expect(agrees('', 'application/pdf')).toBe(true)
    for (const refined of ['text/markdown', 'text/csv', 'application/json', 'text/plain'] as const)
      expect(agrees('text/plain', refined)).toBe(true)
    expect(agrees('text/plain', 'image/png')).toBe(false)
    expect(agrees('image/jpeg', 'image/png')).toBe(false)
    expect(agrees('text/csv', 'text/plain')).toBe(false)
    expect(agrees('application/json', 'text/plain')).toBe(false)
    expect(agrees('image/svg+xml', 'text/plain')).toBe(false)
  })
})

describe('CH-440: names of files', () => {
  it.each([
    ['attachment; filename="a b.txt"', 'a b.txt'],
    ['attachment; filename=a.txt', 'a.txt'],
    ['form-data; name="x"; FILENAME="a.txt"', 'a.txt'],
    ['attachment; filename="a \\"b\\".txt"', 'a "b".txt'],
    ['attachment; filename="x.txt"; filename*=UTF-8\'\'na%C3%AFve%20%E2%82%AC.md', 'naïve €.md'],
    ['attachment; filename="x.txt"; filename*=UTF-8\'\'%E9', 'x.txt'],
    ["attachment; filename*=ISO-8859-1''x", undefined],
    [`attachment; filename="${Buffer.from('größe.csv').toString('latin1')}"`, 'größe.csv'],
    ['attachment; filename="../../etc/passwd"', 'passwd'],
    ['attachment; filename="C:\\\\temp\\\\a.txt"', 'a.txt'],
    ["attachment; filename*=UTF-8''a%00b%0A%E2%80%AEtxt.exe", 'abtxt.exe'],
    ['attachment; filename="  "', undefined],
    ['attachment; filename=".."', undefined],
    ['attachment', undefined],
    [undefined, undefined],
  ])('%s', (header, name) => {
    expect(fileNameOf(header)).toBe(name)
  })

  it('are cut to 255 bytes of whole characters, and keep their ending', () => {
    const name = safeName(`${'ä'.repeat(300)}.json`) ?? ''
    expect(Buffer.byteLength(name)).toBe(255)
    expect(name).toMatch(/^ä+\.json$/)
    expect(Buffer.byteLength(safeName('😀'.repeat(100)) ?? '')).toBe(252)
  })

  it('are written so that every client reads them', () => {
    expect(dispositionOf('inline', 'a b.txt')).toBe('inline; filename="a b.txt"')
    expect(dispositionOf('attachment', 'ä"\\%(1).pdf')).toBe(
      'attachment; filename="____(1).pdf"; filename*=UTF-8\'\'%C3%A4%22%5C%25%281%29.pdf',
    )
    expect(fileNameOf(dispositionOf('attachment', 'ä"%(1)’s.pdf'))).toBe('ä"%(1)’s.pdf')
  })
})
