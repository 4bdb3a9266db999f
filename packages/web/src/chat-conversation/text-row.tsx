// biome-ignore-all lint/suspicious/noArrayIndexKey: blocks of one text have no identity but their place in it.
import { memo, useState } from 'react'

import { Markdown, MarkdownCode } from '../ui/markdown.tsx'
import { BlockSplitter } from './block-splitter.ts'
import { ChatCode, OpenChatCode } from './chat-code.tsx'
import { tidyOpenBlock } from './open-block.ts'
import { useRevealed } from './use-revealed.ts'

const Block = memo(function Block({ text, small }: { readonly text: string; readonly small: boolean }) {
  return <Markdown text={text} size={small ? 'small' : 'regular'} />
})

/** Lines of text end where they are still read well; code and tables take the whole column. */
const WIDE = 'flex flex-col gap-3 [&>div]:max-w-none [&>div>:is(p,ul,ol,blockquote)]:max-w-[84ch]'

/** Text of the model. While it is written only its last block is read and rendered again (UI-1129). */
export function ModelText({
  text,
  live,
  small = false,
}: {
  readonly text: string
  readonly live: boolean
  readonly small?: boolean
}) {
  const shown = useRevealed(text, live)
  const [splitter] = useState(() => new BlockSplitter())
  const { settled, open } = splitter.split(shown)
  const last = live ? tidyOpenBlock(open) : open
  return (
    <div className={small ? 'flex flex-col gap-2' : WIDE}>
      <MarkdownCode value={ChatCode}>
        {settled.map((block, index) => (
          <Block key={index} text={block} small={small} />
        ))}
      </MarkdownCode>
      {last === '' ? null : (
        <MarkdownCode value={live ? OpenChatCode : ChatCode}>
          <Block key={settled.length} text={last} small={small} />
        </MarkdownCode>
      )}
    </div>
  )
}
