import { startTransition, useEffect, useState } from 'react'

import type { Colours } from './highlight.ts'
import { highlighter } from './highlighter.ts'

/** Colours of code as soon as they are known; until then it is plain. */
export function useColours(text: string, language: string): Colours | undefined {
  const known = highlighter.known(text, language)
  const [told, setTold] = useState<{ readonly text: string; readonly colours: Colours }>()
  const have = known !== undefined
  useEffect(() => {
    if (have) return
    let current = true
    void highlighter.ask([text], language).then((answer) => {
      const colours = answer?.[0]
      if (current && colours !== undefined) startTransition(() => setTold({ text, colours }))
    })
    return () => {
      current = false
    }
  }, [text, language, have])
  return known ?? (told?.text === text ? told.colours : undefined)
}

/** The same for texts that belong together; they have to be the same array as long as they are the same. */
export function useAllColours(texts: readonly string[], language: string): readonly Colours[] | undefined {
  const [told, setTold] = useState<{
    readonly texts: readonly string[]
    readonly colours: readonly Colours[]
  }>()
  useEffect(() => {
    let current = true
    void highlighter.ask(texts, language).then((colours) => {
      if (current && colours !== undefined) startTransition(() => setTold({ texts, colours }))
    })
    return () => {
      current = false
    }
  }, [texts, language])
  return told?.texts === texts ? told.colours : undefined
}
