import { singleKeys } from '../../frame/single-keys.ts'
import { useChoice } from '../../theme/choice.ts'
import { LabelledToggle } from '../../ui/form.tsx'
import { Section } from '../../ui/page.tsx'
import { playChime } from '../chime.ts'
import { chimeChoice, widthChoice } from '../device-habits.ts'

/** What is chosen for this browser alone. */
export function DeviceSection() {
  const width = useChoice(widthChoice)
  const chime = useChoice(chimeChoice)
  const keys = useChoice(singleKeys)
  return (
    <Section title="On this device" help="Stays in this browser.">
      <div className="flex flex-col gap-4">
        <LabelledToggle
          kind="switch"
          label="Conversations take the full width"
          help="Otherwise they keep to a column that is read well."
          checked={width === 'full'}
          onChange={(on) => widthChoice.set(on ? 'full' : 'column')}
        />
        <LabelledToggle
          kind="switch"
          label="Chime when a chat has finished"
          help="Once, and only for chats that no tab shows at that moment."
          checked={chime === 'on'}
          onChange={(on) => {
            chimeChoice.set(on ? 'on' : 'off')
            if (on) playChime()
          }}
        />
        <LabelledToggle
          kind="switch"
          label="Single keys are shortcuts"
          help="Such as ? and /, and Esc to stop an answer. Keys with Ctrl, ⌘ or Alt work in any case."
          checked={keys === 'on'}
          onChange={(on) => singleKeys.set(on ? 'on' : 'off')}
        />
      </div>
    </Section>
  )
}
