import type { Screen } from "../screens";

const of = "account" as const;
const menu = "linking" as const;

export const screens: Screen[] = [
  {
    of,
    path: "linking",
    title: "linking.title",
    names: "linking.names",
    menu,
    order: 0,
    load: async () => (await import("./Health")).Health,
  },
  {
    of,
    path: "linking/qr",
    title: "linking.codes.title",
    names: "linking.codes.names",
    menu,
    order: 1,
    load: async () => (await import("./Codes")).Codes,
  },
  {
    of,
    path: "linking/qr/:code",
    title: "linking.codes.title",
    menu,
    load: async () => (await import("./Code")).CodePage,
  },
  {
    of,
    path: "linking/forms",
    title: "linking.forms.title",
    names: "linking.forms.names",
    menu,
    order: 2,
    load: async () => (await import("./Forms")).Forms,
  },
  {
    of,
    path: "linking/forms/:form",
    title: "linking.forms.title",
    menu,
    load: async () => (await import("./Form")).FormPage,
  },
  {
    of,
    path: "linking/review",
    title: "linking.review.title",
    names: "linking.review.names",
    menu,
    order: 5,
    load: async () => (await import("./Review")).Review,
  },
  {
    of,
    path: "linking/review/:item",
    title: "linking.review.title",
    menu,
    load: async () => (await import("./ReviewItem")).ReviewItem,
  },
  {
    of,
    path: "linking/kept",
    title: "linking.kept.title",
    names: "linking.kept.names",
    menu,
    order: 6,
    load: async () => (await import("./Kept")).Kept,
  },
];
