// A model provider whose answers depend on the model's name alone: the other side of the benches of chats and gateway.
import { FakeModelProvider } from '../packages/testkit/src/fake-model-provider.ts'
import { namedAnswer } from '../packages/testkit/src/model-provider/named-answers.ts'

const provider = await FakeModelProvider.start()
provider.answer = ({ model }) => namedAnswer(model)
console.log(provider.url)
