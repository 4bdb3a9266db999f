import { highlight } from './highlight.ts'
import type { HighlightAnswer, HighlightRequest } from './highlighter.ts'

/** Colours code beside the page, so that typing and scrolling go on meanwhile (UI-1143). */
addEventListener('message', ({ data }: MessageEvent<HighlightRequest>) => {
  const colours = data.texts.map((text) => highlight(text, data.language))
  const answer: HighlightAnswer = { id: data.id, colours }
  // An empty one may be shared, and what was handed over cannot be used again.
  const handed = colours.filter(({ byteLength }) => byteLength > 0).map(({ buffer }) => buffer)
  postMessage(answer, { transfer: handed })
})
