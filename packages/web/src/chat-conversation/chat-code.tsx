// biome-ignore-all lint/suspicious/noArrayIndexKey: spans of one text have no identity but their place in it.
import { useMemo } from 'react'

import { CopyButton } from '../ui/copyable.tsx'
import { type CodeKind, highlight } from './highlight.ts'

const KINDS: Record<CodeKind, string | undefined> = {
  plain: undefined,
  comment: 'text-ink-3',
  string: 'text-(--ansi-2)',
  number: 'text-(--ansi-5)',
  keyword: 'text-(--ansi-4)',
}

/** Code in the colours of its language. */
export function ColouredCode({ text, language }: { readonly text: string; readonly language: string }) {
  const spans = useMemo(() => highlight(text, language), [text, language])
  return spans.map(({ kind, text: part }, index) =>
    KINDS[kind] === undefined ? (
      part
    ) : (
      <span key={index} className={KINDS[kind]}>
        {part}
      </span>
    ),
  )
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
