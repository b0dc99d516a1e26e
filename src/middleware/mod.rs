//! The stations that every request passes, one file each, in the order of the list.

pub mod way;

pub mod request_id;

pub mod remainder;

pub mod limits;

pub mod rate;

pub mod tenant;

pub mod built_in;

pub mod origin;

pub mod authenticate;

pub mod message;

pub mod scope;
