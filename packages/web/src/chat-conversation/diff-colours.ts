import { useMemo } from 'react'

import type { Colours } from './highlight.ts'
import type { DiffLine } from './line-diff.ts'
import { useAllColours } from './use-colours.ts'

/** A line as a part of a text that is coloured as a whole. */
export interface ColouredLine {
  readonly text: string
  readonly colours: Colours
  /** Where the line begins in it. */
  readonly from: number
}

interface Place {
  readonly text: number
  readonly from: number
}

/** The two sides of a diff as texts, one for each hunk, and where each line stands in them. */
export function sidesOf(lines: readonly DiffLine[]): {
  readonly texts: readonly string[]
  readonly places: readonly (Place | undefined)[]
} {
  const texts: string[] = []
  const places: (Place | undefined)[] = []
  let hunk = { fresh: '', old: '', number: 0 }
  const close = () => {
    texts.push(hunk.fresh, hunk.old)
    hunk = { fresh: '', old: '', number: texts.length }
  }
  for (const { kind, text } of lines) {
    const line = `${text}\n`
    switch (kind) {
      case 'gap':
        places.push(undefined)
        close()
        break
      case 'removed':
        places.push({ text: hunk.number + 1, from: hunk.old.length })
        hunk.old += line
        break
      case 'added':
        places.push({ text: hunk.number, from: hunk.fresh.length })
        hunk.fresh += line
        break
      case 'same':
        places.push({ text: hunk.number, from: hunk.fresh.length })
        hunk.fresh += line
        hunk.old += line
    }
  }
  close()
  return { texts, places }
}

/** The colours of the lines of a diff; undefined for a line as long as they are not known. */
export function useDiffColours(
  lines: readonly DiffLine[],
  language: string,
): (index: number) => ColouredLine | undefined {
  const { texts, places } = useMemo(() => sidesOf(lines), [lines])
  const colours = useAllColours(texts, language)
  return (index) => {
    const place = places[index]
    const text = place === undefined ? undefined : texts[place.text]
    const own = place === undefined ? undefined : colours?.[place.text]
    return place === undefined || text === undefined || own === undefined
      ? undefined
      : { text, colours: own, from: place.from }
  }
}
