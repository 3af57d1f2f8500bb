import type { components } from '../api/schema';
import { texts } from '../texts/texts';
import { numberText } from './format';

type Firing = Pick<components['schemas']['PreviewedFiringAnswer'], 'localTime' | 'waves' | 'notes'>;

/** Effects of daylight saving, quiet hours and the time to live on a firing, in sentences. `zone`: of the schedule. */
export function firingNotes({ localTime, waves = 1, notes }: Firing, zone: string): string[] {
  const words = texts.firingNotes;
  const plain = (time: string): string => time.replace('T', ' ');
  return notes.map((note) => {
    switch (note.code) {
      case 'gap':
        return words.gap(plain(localTime), zone, plain(note.localTime ?? ''));
      case 'fold':
        return words.fold(plain(localTime), zone);
      case 'held':
      case 'dropped':
        return words[note.code](numberText(note.waves ?? 0), numberText(waves));
      case 'recipientTime':
      case 'afterTtl':
        return words[note.code];
      default:
        // A newer API may know more.
        note.code satisfies never;
        return note.message;
    }
  });
}
