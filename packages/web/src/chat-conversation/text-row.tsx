// biome-ignore-all lint/suspicious/noArrayIndexKey: blocks of one text have no identity but their place in it.
import { memo, useState } from 'react'

import { classNames } from '../ui/class-names.ts'
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
const SMALL = 'flex flex-col gap-2'
/** Blocks in one group: the browser watches each of them for whether it is in sight. */
const GROUP = 12
/** Groups out of sight are neither laid out nor painted while the answer grows below them (UI-1905). */
const GROWING = '[content-visibility:auto] [contain-intrinsic-size:auto_none_auto_40rem]'

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
  const look = small ? SMALL : WIDE
  const groups = Math.ceil(settled.length / GROUP)
  return (
    <div className={small ? 'flex flex-col gap-2' : 'flex flex-col gap-3'}>
      <MarkdownCode value={ChatCode}>
        {Array.from({ length: groups }, (_, group) => (
          <div key={group} className={classNames(look, live && group < groups - 1 && GROWING)}>
            {settled.slice(group * GROUP, (group + 1) * GROUP).map((block, index) => (
              <Block key={index} text={block} small={small} />
            ))}
          </div>
        ))}
      </MarkdownCode>
      {last === '' ? null : (
        <MarkdownCode value={live ? OpenChatCode : ChatCode}>
          <div className={look}>
            <Block key={settled.length} text={last} small={small} />
          </div>
        </MarkdownCode>
      )}
    </div>
  )
}
