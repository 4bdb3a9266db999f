// biome-ignore-all lint/suspicious/noArrayIndexKey: spans of one text have no identity but their place in it.
import { useMemo, useRef } from 'react'

import { CopyButton } from '../ui/copyable.tsx'
import { type CodeKind, type Colours, NO_COLOURS, piecesOf } from './highlight.ts'
import { useInSight } from './in-sight.ts'
import { useColours } from './use-colours.ts'

const KINDS: Record<CodeKind, string> = {
  comment: 'text-ink-3',
  string: 'text-(--ansi-2)',
  number: 'text-(--ansi-5)',
  keyword: 'text-(--ansi-4)',
  name: 'text-(--ansi-6)',
  added: 'text-ok',
  removed: 'text-bad',
}
/** Lines that get and lose their colours together. */
const STRETCH = 40

/** Code in the colours of its language. Only what is in sight has them, so that long code does not weigh on the page. */
export function ColouredCode({ text, language }: { readonly text: string; readonly language: string }) {
  const colours = useColours(text, language) ?? NO_COLOURS
  const cuts = useMemo(() => stretchesOf(text), [text])
  if (colours.length === 0) return text
  if (cuts.length === 1) return <ColouredPart text={text} colours={colours} from={0} until={text.length} />
  return cuts.map((from, index) => (
    <Stretch key={from} text={text} colours={colours} from={from} until={cuts[index + 1] ?? text.length} />
  ))
}

interface StretchProps {
  readonly text: string
  readonly colours: Colours
  readonly from: number
  readonly until: number
}

function Stretch(props: StretchProps) {
  const element = useRef<HTMLSpanElement>(null)
  const inSight = useInSight(element)
  return (
    <span ref={element}>
      {inSight ? <ColouredPart {...props} /> : props.text.slice(props.from, props.until)}
    </span>
  )
}

/** A part of code whose colours are known. */
export function ColouredPart({ text, colours, from, until }: StretchProps) {
  const pieces = useMemo(() => piecesOf(text, colours, from, until), [text, colours, from, until])
  return pieces.map(({ kind, text: piece }, index) =>
    kind === undefined ? (
      piece
    ) : (
      <span key={index} className={KINDS[kind]}>
        {piece}
      </span>
    ),
  )
}

/** Where each stretch of lines begins. */
function stretchesOf(text: string): readonly number[] {
  const cuts = [0]
  let lines = 0
  for (let at = text.indexOf('\n'); at >= 0 && at < text.length - 1; at = text.indexOf('\n', at + 1))
    if (++lines % STRETCH === 0) cuts.push(at + 1)
  return cuts
}

interface CodeProps {
  readonly text: string
  readonly language: string
}

/** A block of code in an answer: its language, a way to copy it, colours. */
export function ChatCode({ text, language }: CodeProps) {
  return (
    <Frame text={text} language={language}>
      <ColouredCode text={text} language={language} />
    </Frame>
  )
}

/** One that is still being written: colours would flicker (UI-1129). */
export function OpenChatCode({ text, language }: CodeProps) {
  return (
    <Frame text={text} language={language}>
      {text}
    </Frame>
  )
}

function Frame({ text, language, children }: CodeProps & { readonly children: React.ReactNode }) {
  return (
    <div className="overflow-hidden rounded-card border border-line bg-surface">
      <div className="flex h-8 items-center justify-between border-b border-line pl-3 pr-1 text-xs text-ink-3">
        <span className="font-mono">{language === '' ? 'text' : language}</span>
        <CopyButton text={text} label="Copy the code" />
      </div>
      <pre
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the keyboard scrolls long lines only in a focused element.
        tabIndex={0}
        className="overflow-x-auto px-3 py-2.5 text-sm leading-[1.55] focus-visible:-outline-offset-2"
      >
        <code>{children}</code>
      </pre>
    </div>
  )
}
