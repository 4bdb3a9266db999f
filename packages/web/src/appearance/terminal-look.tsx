import { FONT_SIZES, useFontSize } from '../terminal/font-size.ts'
import { fontStack, TERMINAL_FONTS } from '../terminal/terminal-fonts.ts'
import { useChoice } from '../theme/choice.ts'
import { fontChoice, type TerminalFont } from '../theme/theme.ts'
import { Field, Select } from '../ui/form.tsx'
import { Section } from '../ui/page.tsx'
import { useChangeLook } from './use-look.ts'

const FONTS: readonly TerminalFont[] = [
  'jetbrains-mono',
  'geist-mono',
  'ibm-plex-mono',
  'fira-code',
  'source-code-pro',
]

/** The letters of terminals, and how a few lines look in them. */
export function TerminalLook() {
  const font = useChoice(fontChoice)
  const [size, setSize] = useFontSize()
  const change = useChangeLook()
  return (
    <Section title="Terminal" help="The font applies to your account, the size to this browser.">
      <div className="flex flex-col gap-4">
        <div className="flex flex-wrap gap-4">
          <Field label="Font">
            {(field) => (
              <Select
                {...field}
                value={font}
                options={FONTS.map((id) => ({ value: id, label: TERMINAL_FONTS[id].label }))}
                onChange={(event) => {
                  const next = FONTS.find((id) => id === event.target.value)
                  if (next !== undefined) change({ font: next })
                }}
                className="w-52"
              />
            )}
          </Field>
          <Field label="Font size">
            {(field) => (
              <Select
                {...field}
                value={String(size)}
                options={FONT_SIZES.map((pixels) => ({ value: String(pixels), label: `${pixels} px` }))}
                onChange={(event) => setSize(Number(event.target.value))}
                className="w-28"
              />
            )}
          </Field>
        </div>
        <pre
          aria-hidden="true"
          className="overflow-hidden rounded-control border border-line bg-console px-3 py-2.5 leading-[1.2]"
          style={{ fontFamily: fontStack(font), fontSize: size }}
        >
          <span style={{ color: 'var(--ansi-2)' }}>ada@flight</span>
          {':'}
          <span style={{ color: 'var(--ansi-4)' }}>~/slipway</span>
          {'$ git log -1\n'}
          <span style={{ color: 'var(--ansi-3)' }}>8f3c0a1</span>
          {' Compare a != b => { 0Oo 1lI }\n'}
        </pre>
      </div>
    </Section>
  )
}
