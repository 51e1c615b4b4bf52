import type { ComponentChildren } from 'preact';
import type { Knob } from '../../experiment/guide.ts';
import type { Guide, KnobSection, Said, SymptomSection } from '../../report/guide/guide.ts';
import { places } from '../../report/guide/knobs.ts';
import { kindWords, notRunText, notSaidBy, standingText, titleOf } from '../../report/guide/words.ts';
import { verdictMarks } from '../../report/model/claims.ts';
import { hashOf, sectionTarget } from '../query.ts';
import { mark, NumberLink, Scroll, Text } from './text.tsx';

/** The tuning guide that the run proves: by symptom, then by knob. */
export const TuningGuide = ({ guide }: { readonly guide: Guide }) => (
  <section class="guide" id="_guide" aria-labelledby="guide-title">
    <h2 id="guide-title">Tuning guide</h2>
    <p class="lead">
      A sentence with a number was measured in this run: its number opens the results that it rests on. All else is what
      manuals say, and was not measured.
    </p>
    <Half title="By symptom" sections={guide.symptoms}>
      {(section) => <SymptomTopic section={section} guide={guide} />}
    </Half>
    <Half title="By knob" sections={guide.knobs}>
      {(section) => <KnobTopic section={section} guide={guide} />}
    </Half>
  </section>
);

const isMeasured = ({ measured }: KnobSection | SymptomSection): boolean => measured.length > 0;

/** The symptoms or the knobs of which something was measured, and the names of the others. */
const Half = <S extends KnobSection | SymptomSection>({
  title,
  sections,
  children,
}: {
  readonly title: string;
  readonly sections: readonly S[];
  readonly children: (section: S) => ComponentChildren;
}) => {
  const others = sections.filter((each) => !isMeasured(each));
  return (
    <>
      <h3>{title}</h3>
      <div class="topics">{sections.filter(isMeasured).map(children)}</div>
      {others.length > 0 ? (
        <p class="note">Nothing was measured in this run of: {others.map(({ name }) => titleOf(name)).join(', ')}.</p>
      ) : null}
    </>
  );
};

const SymptomTopic = ({ section, guide }: { readonly section: SymptomSection; readonly guide: Guide }) => {
  const { name, text } = section;
  return (
    <details class="topic" id={sectionTarget(name)}>
      <summary>{titleOf(name)}</summary>
      <p>
        <em>Seen as:</em> <Text>{text.seen}</Text>
      </p>
      <p>
        <em>Look at</em> <code>{text.ss}</code>: <Text>{`${text.shows}.`}</Text>
        {text.counters === '' ? '' : ` Counters: ${text.counters}.`}
      </p>
      <Measured section={section} guide={guide} />
      <p>
        <em>Knobs:</em>{' '}
        {text.knobs.map((knob, nth) => (
          <>
            {nth > 0 ? ', ' : ''}
            <KnobLink knob={knob} guide={guide} />
          </>
        ))}
      </p>
    </details>
  );
};

/** A knob's name: a link where the page has its section. */
const KnobLink = ({ knob, guide }: { readonly knob: Knob; readonly guide: Guide }) =>
  guide.knobs.some((each) => each.name === knob && isMeasured(each)) ? (
    <a href={hashOf({ target: sectionTarget(knob) })}>{titleOf(knob)}</a>
  ) : (
    <span>{titleOf(knob)}</span>
  );

const KnobTopic = ({ section, guide }: { readonly section: KnobSection; readonly guide: Guide }) => {
  const { name, text } = section;
  const set = places.flatMap((place) => {
    const setting = text.settings[place];
    return setting === undefined ? [] : [{ place, setting }];
  });
  const unset = places.filter((place) => text.settings[place] === undefined);
  return (
    <details class="topic" id={sectionTarget(name)}>
      <summary>{titleOf(name)}</summary>
      <p>
        <Text>{text.what}</Text>
      </p>
      <p>
        <em>People say:</em> <Text>{text.said}</Text>
      </p>
      <Measured section={section} guide={guide} />
      <p>
        <em>When to use it:</em> <Text>{text.use}</Text>
      </p>
      <p>
        <em>When not:</em> <Text>{text.avoid}</Text>
      </p>
      <h4>Settings</h4>
      <Scroll name={`Settings of ${name}`}>
        <table>
          <tbody>
            {set.map(({ place, setting }) => (
              <tr>
                <th scope="row">{place}</th>
                <td>
                  <Text>{setting}</Text>
                </td>
              </tr>
            ))}
            {unset.length > 0 ? (
              <tr>
                <th scope="row">no setting</th>
                <td>{unset.join(', ')}</td>
              </tr>
            ) : null}
          </tbody>
        </table>
      </Scroll>
    </details>
  );
};

/** The sentences of a section by kind; and the experiments that would have more. */
const Measured = ({ section, guide }: { readonly section: KnobSection | SymptomSection; readonly guide: Guide }) => {
  const more = notSaidBy(section);
  return (
    <>
      {section.measured.map(({ kind, said }) => (
        <>
          <h4>{kindWords[kind]}</h4>
          <ul class="findings">
            {said.map((each) => (
              <Sentence said={each} guide={guide} />
            ))}
          </ul>
        </>
      ))}
      {more.length > 0 ? (
        <p class="note">
          {notRunText(more)} (<Text>{mark(`npx lingerlab run ${more.join(' ')}`)}</Text>).
        </p>
      ) : null}
    </>
  );
};

/** A sentence, after the number that opens the results behind it. */
const Sentence = ({ said, guide }: { readonly said: Said; readonly guide: Guide }) => {
  const standing = standingText(said, guide);
  return (
    <li>
      <NumberLink target={said.experiment} query={`guide:${said.id}`}>
        {said.number}
      </NumberLink>
      <span>
        {said.holds === 'nowhere' ? <b class="refuted">{verdictMarks.refuted} </b> : null}
        <Text>{said.text}</Text>
        {standing === '' ? null : <em> ({standing})</em>}
      </span>
    </li>
  );
};
