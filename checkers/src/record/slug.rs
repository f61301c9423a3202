//! A slug is written as the text that users see.

use crate::finding::Slug;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

impl Serialize for Slug {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.text())
    }
}

impl<'de> Deserialize<'de> for Slug {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Slug, D::Error> {
        let text = String::deserialize(from)?;
        let known = Slug::ALL.iter().find(|slug| slug.text() == text);
        known.copied().ok_or_else(|| de::Error::custom(format_args!("`{text}` is no name of a finding")))
    }
}
